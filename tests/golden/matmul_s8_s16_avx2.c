/* int8 matrix times int16 columns with VPMADDWD: two inputs of eight rows at a time. */
#include "kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define PERCEPNET_ISA __attribute__((target("avx2")))
#include "x86.h"

/* acc + w x; w: 2 columns of 8 rows */
PERCEPNET_INLINE __m256i accumulate(__m256i acc, const int8_t *w, __m256i x)
{
    __m256i wide = _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)w));
    return _mm256_add_epi32(acc, _mm256_madd_epi16(wide, x));
}

PERCEPNET_INLINE void block16(int32_t *out_6k, const percepnet_matrix *m, int row,
                              percepnet_blocks b, const int16_t *x)
{
    const int8_t *w = b.weight;
    __m256i low = load(m->bias + row), high = load(m->bias + row + 8);
    for (int col = 0; col < m->cols; col += 2, w += 32) {
        __m256i x2 = repeat(x + col);
        low = accumulate(low, w, x2);
        high = accumulate(high, w + 16, x2);
    }
    requantise(out_6k, low, m, row);
    requantise(out_6k, high, m, row + 8);
}

PERCEPNET_INLINE void block4(int32_t *out_6k, const percepnet_matrix *m, int row,
                              percepnet_blocks b, const int16_t *x)
{
    const int8_t *w = b.weight;
    __m128i acc = load4(m->bias + row);
    for (int col = 0; col < m->cols; col += 2, w += 8) {
        __m128i wide = _mm_cvtepi8_epi16(_mm_loadl_epi64((const void *)w));
        acc = _mm_add_epi32(acc, _mm_madd_epi16(wide, _mm256_castsi256_si128(repeat(x + col))));
    }
    requantise4(out_6k, acc, m, row);
}

PERCEPNET_ISA
/* All columns of a block of rows while its weights lie in the first cache. */
void percepnet_matmul_s8_s16_avx2(int32_t *out_6k, const percepnet_matrix *matrix, const int16_t *x,
                               int stride, int columns)
{
    const percepnet_matrix copy = *matrix, *m = &copy; /* which no store to out_6k can change */
    int row = 0;
    percepnet_blocks b = {m->weight, m->index, m->cols / 2};
    for (; row + 16 <= m->rows; row += 16) {
        if (b.index)
            b.groups = *b.index++;
        for (int c = 0; c < columns; c++)
            block16(out_6k + c * m->rows, m, row, b, x + c * stride);
b.weight += 32 * b.groups;
        if (b.index)
            b.index += b.groups;
    }
    b = (percepnet_blocks){b.weight, NULL, m->cols / 2};
    for (; row < m->rows; row += 4, b.weight += 4 * m->cols)
        for (int c = 0; c < columns; c++)
            block4(out_6k + c * m->rows, m, row, b, x + c * stride);
}
#endif
