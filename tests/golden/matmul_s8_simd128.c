/* int8 matrix times int8 columns with i32x4.dot_i16x8_s: two rows of four inputs at a time. */
#include "kernels.h"

#if defined(__wasm_simd128__)
#include "simd128.h"

/* 4 inputs of 16 bits, twice */
PERCEPNET_INLINE v128_t repeat(const int8_t *x)
{
    return wasm_i16x8_extend_low_i8x16(wasm_v128_load32_splat(x));
}

/* acc + w x: each of two rows in two lanes */
PERCEPNET_INLINE v128_t accumulate(v128_t acc, const int8_t *w, v128_t x)
{
    return wasm_i32x4_add(acc, wasm_i32x4_dot_i16x8(wasm_i16x8_load8x8(w), x));
}

/* `rows`, a multiple of 4, is a constant where this is inlined: loops over it leave no trace */
PERCEPNET_INLINE void body(int32_t *out_6k, const percepnet_matrix *m, int row,
                           percepnet_blocks b, const int8_t *x, const int rows)
{
    const int8_t *w = b.weight;
    v128_t acc[8];
    for (int r = 0; r < rows / 2; r++)
        acc[r] = wasm_i32x4_const(0, 0, 0, 0);
    for (int i = 0; i < b.groups; i++, w += 4 * rows) {
        v128_t x4 = repeat(x + 4 * percepnet_group(b, i));
        for (int r = 0; r < rows / 2; r++)
            acc[r] = accumulate(acc[r], w + 8 * r, x4);
    }
    for (int r = 0; r < rows / 4; r++) {
        v128_t low = acc[2 * r], high = acc[2 * r + 1];
        v128_t sum = wasm_i32x4_add(even(low, high), odd(low, high));
        requantise(out_6k, wasm_i32x4_add(sum, wasm_v128_load(m->bias + row + 4 * r)), m, row + 4 * r);
    }
}

PERCEPNET_INLINE void block16(int32_t *out_6k, const percepnet_matrix *m, int row,
                              percepnet_blocks b, const int8_t *x)
{
    body(out_6k, m, row, b, x, 16);
}

PERCEPNET_INLINE void block4(int32_t *out_6k, const percepnet_matrix *m, int row,
                              percepnet_blocks b, const int8_t *x)
{
    body(out_6k, m, row, b, x, 4);
}

/* All columns of a block of rows while its weights lie in the first cache. */
void percepnet_matmul_s8_simd128(int32_t *out_6k, const percepnet_matrix *matrix, const int8_t *x,
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
