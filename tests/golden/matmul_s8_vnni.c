/* int8 matrix times int8 columns with VPDPBUSD, 16 rows a vector. Its inputs have no sign: they are
 * raised by 128, and `bias_raised` takes that away again. */
#include "kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define PERCEPNET_ISA __attribute__((target("avx2,avx512f,avx512vl,avx512vnni")))
#include "x86.h"

enum { CHAINS = 4 }; /* sums that do not wait for each other */

/* acc + w x; w: 4 columns of 16 rows; x: their inputs */
PERCEPNET_INLINE __m512i accumulate(__m512i acc, const int8_t *w, const int8_t *x)
{
    int32_t four;
    memcpy(&four, x, sizeof four);
    __m512i raised = _mm512_xor_si512(_mm512_set1_epi32(four), _mm512_set1_epi8(-128));
    return _mm512_dpbusd_epi32(acc, raised, _mm512_loadu_si512(w));
}

/* `columns` is a constant where this is inlined: loops over it leave no trace */
PERCEPNET_INLINE void rows16(int32_t *out_6k, const percepnet_matrix *m, int row,
                             percepnet_blocks b, const int8_t *x, int stride, const int columns)
{
    const int8_t *w = b.weight;
    __m512i acc[CHAINS][4];
    for (int c = 0; c < columns; c++) {
        acc[0][c] = _mm512_loadu_si512(m->bias_raised + row);
        for (int k = 1; k < CHAINS; k++)
            acc[k][c] = _mm512_setzero_si512();
    }
    int i = 0;
    for (; i + CHAINS <= b.groups; i += CHAINS)
        for (int k = 0; k < CHAINS; k++, w += 64)
            for (int c = 0; c < columns; c++)
                acc[k][c] = accumulate(acc[k][c], w, x + c * stride + 4 * percepnet_group(b, i + k));
    for (; i < b.groups; i++, w += 64)
        for (int c = 0; c < columns; c++)
            acc[0][c] = accumulate(acc[0][c], w, x + c * stride + 4 * percepnet_group(b, i));
    for (int c = 0; c < columns; c++) {
        for (int k = 1; k < CHAINS; k++)
            acc[0][c] = _mm512_add_epi32(acc[0][c], acc[k][c]);
        requantise(out_6k + c * m->rows, _mm512_castsi512_si256(acc[0][c]), m, row);
        requantise(out_6k + c * m->rows, _mm512_extracti64x4_epi64(acc[0][c], 1), m, row + 8);
    }
}

/* four inputs in each quarter, raised */
PERCEPNET_INLINE __m512i quarters(const int8_t *x)
{
    const __m512i order = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    __m512i x16 = _mm512_castsi128_si512(_mm_loadu_si128((const void *)x));
    return _mm512_xor_si512(_mm512_permutexvar_epi32(order, x16), _mm512_set1_epi8(-128));
}

PERCEPNET_INLINE void rows4(int32_t *out_6k, const percepnet_matrix *m, int row,
                            const int8_t *w, const int8_t *x)
{
    __m512i acc = _mm512_setzero_si512();
    for (int col = 0; col < m->cols; col += 16, w += 64)
        acc = _mm512_dpbusd_epi32(acc, quarters(x + col), _mm512_loadu_si512(w));
    __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(acc), _mm512_extracti64x4_epi64(acc, 1));
    requantise4(out_6k, _mm_add_epi32(add_halves(half), load4(m->bias_raised + row)), m, row);
}

PERCEPNET_INLINE void product(int32_t *out_6k, const percepnet_matrix *m, const int8_t *x,
                              int stride, const int columns)
{
    int row = 0;
    percepnet_blocks b = {m->weight, m->index, m->cols / 4};
    for (; row + 16 <= m->rows; row += 16) {
        if (b.index)
            b.groups = *b.index++;
        if (b.index)
            rows16(out_6k, m, row, b, x, stride, columns);
        else
            rows16(out_6k, m, row, (percepnet_blocks){b.weight, NULL, b.groups}, x, stride, columns);
b.weight += 64 * b.groups;
        if (b.index)
            b.index += b.groups;
    }
    for (; row < m->rows; row += 4, b.weight += 4 * m->cols)
        for (int c = 0; c < columns; c++)
            rows4(out_6k + c * m->rows, m, row, b.weight, x + c * stride);
}

PERCEPNET_ISA
void percepnet_matmul_s8_vnni(int32_t *out_6k, const percepnet_matrix *matrix, const int8_t *x,
                              int stride, int columns)
{
    const percepnet_matrix copy = *matrix, *m = &copy; /* which no store to out_6k can change */
    switch (columns) {
    case 1: product(out_6k, m, x, stride, 1); break;
    case 2: product(out_6k, m, x, stride, 2); break;
    case 3: product(out_6k, m, x, stride, 3); break;
    case 4: product(out_6k, m, x, stride, 4); break;
    }
}
#endif
