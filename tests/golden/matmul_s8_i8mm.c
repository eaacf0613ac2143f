/* int8 matrix times int8 columns with SMMLA, two rows by two columns: 8 products each. One column
 * alone would leave half of it idle and goes the way of SDOT. */
#include "kernels.h"

#if defined(__aarch64__)
#if !defined(__ARM_FEATURE_MATMUL_INT8)
#error "compile this file with -march=armv8.2-a+i8mm; it runs only where the CPU has it"
#endif
#include "neon.h"

enum { PAIRS = (4 + 1) / 2 };

/* Columns 2 p and 2 p + 1, 8 inputs in turn, next to those of the other pairs; a last column
 * without partner is its own. */
PERCEPNET_INLINE void interleave(int8_t *out, const int8_t *x, int cols, int stride,
                                 const int columns)
{
    for (int col = 0; col < cols; col += 8)
        for (int c = 0; c < (columns + 1) / 2 * 2; c++, out += 8)
            vst1_s8(out, vld1_s8(x + (c < columns ? c : c - 1) * stride + col));
}

/* two accumulators of two rows each, and two columns: 4 rows of `c`, and of c + 1 if there */
PERCEPNET_INLINE void finish(int32_t *out_q12, int32x4_t low, int32x4_t high,
                             const percepnet_matrix *m, int row, int c, const int columns)
{
    int32x4x2_t by_column = vuzpq_s32(low, high);
    requantise(out_q12 + c * m->rows, by_column.val[0], m, row);
    if (c + 1 < columns)
        requantise(out_q12 + (c + 1) * m->rows, by_column.val[1], m, row);
}

/* acc[i][p]: rows 2 i and 2 i + 1 of `pairs` of columns; n: such i of the block, constant */
PERCEPNET_INLINE void block(int32_t *out_q12, const percepnet_matrix *m, int row, const int8_t *x,
                            const int n, const int columns)
{
    const int pairs = (columns + 1) / 2;
    const int8_t *w = m->weight_i8mm + row * m->cols;
    int32x4_t acc[8][PAIRS];
    for (int i = 0; i < n; i += 2) {
        int32x4_t bias = vld1q_s32(m->bias + row + 2 * i);
        int32x4x2_t twice = vzipq_s32(bias, bias);
        for (int p = 0; p < pairs; p++) {
            acc[i][p] = twice.val[0];
            acc[i + 1][p] = twice.val[1];
        }
    }
    for (int col = 0; col < m->cols; col += 16, x += 32 * pairs) {
        int8x16_t in[2][PAIRS];
        for (int i = 0; i < 2 * pairs; i++)
            in[i / pairs][i % pairs] = vld1q_s8(x + 16 * i);
        for (int v = 0; v < 2 * n; v += 4) {
            int8x16x4_t a = next64(&w);
            for (int i = v; i < v + 4; i++)
                for (int p = 0; p < pairs; p++)
                    acc[i % n][p] = vmmlaq_s32(acc[i % n][p], a.val[i - v], in[i / n][p]);
        }
    }
    for (int i = 0; i < n; i += 2)
        for (int p = 0; p < pairs; p++)
            finish(out_q12, acc[i][p], acc[i + 1][p], m, row + 2 * i, 2 * p, columns);
}

PERCEPNET_INLINE void product(int32_t *out_q12, const percepnet_matrix *m, const int8_t *x,
                              int stride, const int columns)
{
    int8_t interleaved[2 * PAIRS * PERCEPNET_COLS_MAX];
    int row = 0;
    if (columns == 1) {
        percepnet_matmul_s8_dotprod(out_q12, m, x, stride, 1);
        return;
    }
    interleave(interleaved, x, m->cols, stride, columns);
    for (; row + 16 <= m->rows; row += 16)
        block(out_q12, m, row, interleaved, 8, columns);
    for (; row < m->rows; row += 4)
        block(out_q12, m, row, interleaved, 2, columns);
}

void percepnet_matmul_s8_i8mm(int32_t *out_q12, const percepnet_matrix *matrix, const int8_t *x,
                              int stride, int columns)
{
    const percepnet_matrix copy = *matrix, *m = &copy; /* which no store to out_q12 can change */
    switch (columns) {
    case 1: product(out_q12, m, x, stride, 1); break;
    case 2: product(out_q12, m, x, stride, 2); break;
    case 3: product(out_q12, m, x, stride, 3); break;
    case 4: product(out_q12, m, x, stride, 4); break;
    }
}
#endif
