/* int8 matrix times int8 columns with SMMLA, two rows by two columns: 8 products each. One column
 * alone would leave half of it idle and goes the way of SDOT. */
#include "kernels.h"

#if defined(__aarch64__)
#if !defined(__ARM_FEATURE_MATMUL_INT8)
#error "compile this file with -march=armv8.2-a+i8mm; it runs only where the CPU has it"
#endif
#include "neon.h"

/* Sums of rows 2 i and 2 i + 1 by columns 2 p and 2 p + 1 are acc[i][p]; a last column without
 * partner has what follows it beside it. n: such i, columns: constants where this is inlined */
enum { PAIRS = (4 + 1) / 2 };

PERCEPNET_INLINE void begin(int32x4_t acc[][PAIRS], const int32_t *bias, const int n, const int columns)
{
    for (int i = 0; i < n; i += 2) {
        int32x4_t four = vld1q_s32(bias + 2 * i);
        for (int p = 0; p < (columns + 1) / 2; p++) {
            acc[i][p] = vzip1q_s32(four, four);
            acc[i + 1][p] = vzip2q_s32(four, four);
        }
    }
}

/* v in steps of 8 columns of n such i, by their inputs; v n is a multiple of 4 */
PERCEPNET_INLINE void accumulate(int32x4_t acc[][PAIRS], const int8_t **w, int8x16_t in[][PAIRS],
                                 const int v, const int n, const int columns)
{
    for (int k = 0; k < v * n; k += 4) {
        int8x16x4_t a = next64(w);
        for (int i = k; i < k + 4; i++)
            for (int p = 0; p < (columns + 1) / 2; p++)
                acc[i % n][p] = vmmlaq_s32(acc[i % n][p], a.val[i - k], in[i / n][p]);
    }
}

PERCEPNET_INLINE void end(int32_t *out_6k, int32x4_t acc[][PAIRS], const percepnet_matrix *m, int row,
                          const int n, const int columns)
{
    for (int i = 0; i < n; i += 2, row += 4) {
        int32x4_t mult = vld1q_s32(m->mult + row);
        for (int c = 0; c < columns; c++) {
            int32x4x2_t by_column = vuzpq_s32(acc[i][c / 2], acc[i + 1][c / 2]);
            vst1q_s32(out_6k + c * m->rows + row, vqrdmulhq_s32(by_column.val[c % 2], mult));
        }
    }
}

/* x: 8 inputs of each column in turn */
PERCEPNET_INLINE void dense(int32_t *out_6k, const percepnet_matrix *m, int row, const int8_t *x,
                            const int8_t *w, const int n, const int columns)
{
    int32x4_t acc[8][PAIRS];
    begin(acc, m->bias + row, n, columns);
    for (const int8_t *at = x; at != x + columns * m->cols; at += 32 * columns) {
        {
            int8x16_t in[2][PAIRS];
            for (int i = 0; i < 2; i++)
                for (int p = 0; p < (columns + 1) / 2; p++)
                    in[i][p] = vld1q_s8(at + (0 + 8 * i) * columns + 16 * p);
            accumulate(acc, &w, in, 2, n, columns);
        }
        {
            int8x16_t in[2][PAIRS];
            for (int i = 0; i < 2; i++)
                for (int p = 0; p < (columns + 1) / 2; p++)
                    in[i][p] = vld1q_s8(at + (16 + 8 * i) * columns + 16 * p);
            accumulate(acc, &w, in, 2, n, columns);
        }
    }
    end(out_6k, acc, m, row, n, columns);
}

/* two column groups; x: 4 inputs of each column in turn */
PERCEPNET_INLINE void two(int32x4_t acc[][PAIRS], const int8_t **w, const int8_t *x, size_t first,
                          size_t second, const int columns)
{
    int32x4_t a = vreinterpretq_s32_s8(vld1q_s8(x + 4 * (size_t)columns * first));
    int32x4_t b = vreinterpretq_s32_s8(vld1q_s8(x + 4 * (size_t)columns * second));
    int8x16_t in[1][PAIRS] = { {vreinterpretq_s8_s32(vzip1q_s32(a, b)), vreinterpretq_s8_s32(vzip2q_s32(a, b))} };
    accumulate(acc, w, in, 1, 8, columns);
}

/* 16 rows of a sparse matrix; those that follow them */
PERCEPNET_INLINE percepnet_blocks sparse(int32_t *out_6k, const percepnet_matrix *m, int row,
                                         percepnet_blocks b, const int8_t *x, const int columns)
{
    int32x4_t acc[8][PAIRS];
    begin(acc, m->bias + row, 8, columns);
    const int groups = *b.index++;
    for (const uint16_t *stop = b.index + (groups & ~3); b.index != stop; b.index += 4)
        for (int i = 0; i < 4; i += 2)
            two(acc, &b.weight, x, b.index[i], b.index[i + 1], columns);
    if (groups & 2) {
        two(acc, &b.weight, x, b.index[0], b.index[1], columns);
        b.index += 2;
    }
    if (groups & 1) {
        two(acc, &b.weight, x, b.index[0], b.index[0], columns);
        b.index++;
    }
    end(out_6k, acc, m, row, 8, columns);
    return b;
}

PERCEPNET_INLINE void product(int32_t *out_6k, const percepnet_matrix *m, const int8_t *x,
                              int stride, const int columns)
{
    int8_t inputs[4 * PERCEPNET_COLS_MAX + 16];
    int row = 0;
    percepnet_blocks b = {m->weight_i8mm, m->index, 0};
    if (columns == 1) {
        percepnet_matmul_s8_dotprod(out_6k, m, x, stride, 1);
        return;
    }
    if (m->index) {
        side_by_side(inputs, x, m->cols, stride, columns, 4);
        for (; row + 16 <= m->rows; row += 16)
            b = sparse(out_6k, m, row, b, inputs, columns);
    }
    if (row < m->rows)
        side_by_side(inputs, x, m->cols, stride, columns, 8);
    for (; row + 16 <= m->rows; row += 16, b.weight += 16 * m->cols)
        dense(out_6k, m, row, inputs, b.weight, 8, columns);
    for (; row + 4 <= m->rows; row += 4, b.weight += 4 * m->cols)
        dense(out_6k, m, row, inputs, b.weight, 2, columns);
}

void percepnet_matmul_s8_i8mm(int32_t *out_6k, const percepnet_matrix *matrix, const int8_t *x,
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
