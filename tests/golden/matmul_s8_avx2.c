/* int8 matrix times int8 columns with VPMADDUBSW: |x| times the weights with the signs of x; two
 * products of at most 127 * 127 add up in int16 (32258). */
#include "kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define PERCEPNET_ISA __attribute__((target("avx2")))
#include "x86.h"

/* acc + w x */
PERCEPNET_INLINE __m256i accumulate(__m256i acc, const int8_t *w, __m256i x)
{
    __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(x), _mm256_sign_epi8(load(w), x));
    return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

PERCEPNET_INLINE void block16(int32_t *out_6k, const percepnet_matrix *m, int row,
                              percepnet_blocks b, const int8_t *x)
{
    const int8_t *w = b.weight;
    __m256i low = load(m->bias + row), high = load(m->bias + row + 8);
    for (int i = 0; i < b.groups; i++, w += 64) {
        __m256i x4 = repeat(x + 4 * percepnet_group(b, i));
        low = accumulate(low, w, x4);
        high = accumulate(high, w + 32, x4);
    }
    requantise(out_6k, low, m, row);
    requantise(out_6k, high, m, row + 8);
}

/* 4 inputs four times, and the 4 after them: for two column groups of 4 rows */
PERCEPNET_INLINE __m256i two(const int8_t *x)
{
    return _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(_mm_loadl_epi64((const void *)x)),
                                       _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1));
}

PERCEPNET_INLINE void block4(int32_t *out_6k, const percepnet_matrix *m, int row,
                              percepnet_blocks b, const int8_t *x)
{
    const int8_t *w = b.weight;
    __m256i acc = _mm256_setzero_si256();
    for (int col = 0; col < m->cols; col += 8, w += 32)
        acc = accumulate(acc, w, two(x + col));
    requantise4(out_6k, _mm_add_epi32(add_halves(acc), load4(m->bias + row)), m, row);
}

PERCEPNET_ISA
/* All columns of a block of rows while its weights lie in the first cache. */
void percepnet_matmul_s8_avx2(int32_t *out_6k, const percepnet_matrix *matrix, const int8_t *x,
                               int stride, int columns)
{
    const percepnet_matrix copy = *matrix, *m = &copy; /* which no store to out_6k can change */
    int row = 0;
    percepnet_blocks b = {m->weight, m->index, m->cols / 4};
    for (; row + 16 <= m->rows; row += 16) {
        if (b.index)
            b.groups = *b.index++;
        for (int c = 0; c < columns; c++)
            block16(out_6k + c * m->rows, m, row, b, x + c * stride);
b.weight += 64 * b.groups;
        if (b.index)
            b.index += b.groups;
    }
    b = (percepnet_blocks){b.weight, NULL, m->cols / 4};
    for (; row < m->rows; row += 4, b.weight += 4 * m->cols)
        for (int c = 0; c < columns; c++)
            block4(out_6k + c * m->rows, m, row, b, x + c * stride);
}
#endif
