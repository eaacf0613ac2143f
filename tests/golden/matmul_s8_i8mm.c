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
    const int pairs = (columns + 1) / 2;
    for (int col = 0; col < cols; col += 16, out += 32 * pairs)
        for (int p = 0; p < pairs; p++) {
            const int8_t *even = x + 2 * p * stride + col;
            int64x2_t a = vreinterpretq_s64_s8(vld1q_s8(even));
            int64x2_t b = vreinterpretq_s64_s8(vld1q_s8(2 * p + 1 < columns ? even + stride : even));
            vst1q_s8(out + 16 * p, vreinterpretq_s8_s64(vzip1q_s64(a, b)));
            vst1q_s8(out + 16 * (pairs + p), vreinterpretq_s8_s64(vzip2q_s64(a, b)));
        }
}

/* acc[i][p]: rows 2 i and 2 i + 1 of `pairs` of columns; n: such i of the block, constant */
PERCEPNET_INLINE void block(int32_t *out_6k, const percepnet_matrix *m, int row, const int8_t *x,
                            const int n, const int columns)
{
    const int pairs = (columns + 1) / 2;
    const int8_t *w = m->weight_i8mm + row * m->cols, *end = x + 2 * pairs * m->cols;
    int32x4_t acc[8][PAIRS];
    for (int i = 0; i < n; i += 2) {
        int32x4_t bias = vld1q_s32(m->bias + row + 2 * i);
        int32x4x2_t twice = vzipq_s32(bias, bias);
        for (int p = 0; p < pairs; p++) {
            acc[i][p] = twice.val[0];
            acc[i + 1][p] = twice.val[1];
        }
    }
    for (; x != end; x += 64 * pairs) { /* 32 inputs: 4 groups of n row pairs */
        {
            int8x16_t in[2][PAIRS];
            for (int i = 0; i < 2 * pairs; i++)
                in[i / pairs][i % pairs] = vld1q_s8(x + 0 * pairs + 16 * i);
            for (int v = 0; v < 2 * n; v += 4) {
                int8x16x4_t a = next64(&w);
                for (int i = v; i < v + 4; i++)
                    for (int p = 0; p < pairs; p++)
                        acc[i % n][p] = vmmlaq_s32(acc[i % n][p], a.val[i - v], in[i / n][p]);
            }
        }
        {
            int8x16_t in[2][PAIRS];
            for (int i = 0; i < 2 * pairs; i++)
                in[i / pairs][i % pairs] = vld1q_s8(x + 32 * pairs + 16 * i);
            for (int v = 0; v < 2 * n; v += 4) {
                int8x16x4_t a = next64(&w);
                for (int i = v; i < v + 4; i++)
                    for (int p = 0; p < pairs; p++)
                        acc[i % n][p] = vmmlaq_s32(acc[i % n][p], a.val[i - v], in[i / n][p]);
            }
        }
    }
    for (int i = 0; i < n; i += 2, row += 4) {
        int32x4_t mult = vld1q_s32(m->mult + row);
        for (int c = 0; c < columns; c++) {
            int32x4x2_t by_column = vuzpq_s32(acc[i][c / 2], acc[i + 1][c / 2]);
            vst1q_s32(out_6k + c * m->rows + row, vqrdmulhq_s32(by_column.val[c % 2], mult));
        }
    }
}

PERCEPNET_INLINE void product(int32_t *out_6k, const percepnet_matrix *m, const int8_t *x,
                              int stride, const int columns)
{
    int8_t interleaved[2 * PAIRS * PERCEPNET_COLS_MAX];
    int row = 0;
    if (columns == 1) {
        percepnet_matmul_s8_dotprod(out_6k, m, x, stride, 1);
        return;
    }
    interleave(interleaved, x, m->cols, stride, columns);
    for (; row + 16 <= m->rows; row += 16)
        block(out_6k, m, row, interleaved, 8, columns);
    for (; row < m->rows; row += 4)
        block(out_6k, m, row, interleaved, 2, columns);
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
