/* int8 matrix times int16 columns with i32x4.dot_i16x8_s: four rows of two inputs at a time. */
#include "kernels.h"

#if defined(__wasm_simd128__)
#include "simd128.h"

/* `rows`, a multiple of 4, is a constant where this is inlined: loops over it leave no trace */
PERCEPNET_INLINE void body(int32_t *out_6k, const percepnet_matrix *m, int row,
                           percepnet_blocks b, const int16_t *x, const int rows)
{
    const int8_t *w = b.weight;
    v128_t acc[4];
    for (int r = 0; r < rows / 4; r++)
        acc[r] = wasm_v128_load(m->bias + row + 4 * r);
    for (int col = 0; col < m->cols; col += 2, w += 2 * rows) {
        v128_t x2 = wasm_v128_load32_splat(x + col);
        for (int r = 0; r < rows / 4; r++)
            acc[r] = wasm_i32x4_add(acc[r], wasm_i32x4_dot_i16x8(wasm_i16x8_load8x8(w + 8 * r), x2));
    }
    for (int r = 0; r < rows / 4; r++)
        requantise(out_6k, acc[r], m, row + 4 * r);
}

PERCEPNET_INLINE void block16(int32_t *out_6k, const percepnet_matrix *m, int row,
                              percepnet_blocks b, const int16_t *x)
{
    body(out_6k, m, row, b, x, 16);
}

PERCEPNET_INLINE void block4(int32_t *out_6k, const percepnet_matrix *m, int row,
                              percepnet_blocks b, const int16_t *x)
{
    body(out_6k, m, row, b, x, 4);
}

/* All columns of a block of rows while its weights lie in the first cache. */
void percepnet_matmul_s8_s16_simd128(int32_t *out_6k, const percepnet_matrix *matrix, const int16_t *x,
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
