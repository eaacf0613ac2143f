/* int8 matrix times int8 vector with VPDPBUSD: |x| times the weights with the signs of x. */
#include "kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define PERCEPNET_ISA __attribute__((target("avx2,avx512vl,avx512vnni")))
#include "x86.h"

/* size: |x| */
PERCEPNET_ISA static inline __m256i accumulate(__m256i acc, __m256i w, __m256i x, __m256i size)
{
    return _mm256_dpbusd_epi32(acc, size, _mm256_sign_epi8(w, x));
}

PERCEPNET_ISA void percepnet_matvec_s8_vnni(int32_t *out_q12, const percepnet_matrix *m,
                                              const int8_t *x)
{
    const int8_t *w = m->weight;
    int row = 0;
    for (; row + 16 <= m->rows; row += 16) {
        __m256i low = load(m->bias + row), high = load(m->bias + row + 8);
        for (int col = 0; col < m->cols; col += 4, w += 64) {
            __m256i x4 = repeat(x + col), size = _mm256_abs_epi8(x4);
            low = accumulate(low, load(w), x4, size);
            high = accumulate(high, load(w + 32), x4, size);
        }
        requantise(out_q12 + row, low, m->mult + row, m->shift);
        requantise(out_q12 + row + 8, high, m->mult + row + 8, m->shift);
    }
    for (; row < m->rows; row += 4) {
        __m256i acc = _mm256_setzero_si256();
        for (int col = 0; col < m->cols; col += 8, w += 32) {
            __m256i x8 = two(x + col);
            acc = accumulate(acc, load(w), x8, _mm256_abs_epi8(x8));
        }
        requantise_last(out_q12 + row, acc, m, row);
    }
}
#endif
