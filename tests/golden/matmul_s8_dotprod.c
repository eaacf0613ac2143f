/* int8 matrix times int8 columns with SDOT by element: four weights of four rows an instruction.
 * A weight is read once for all columns, whose sums stay in registers beside each other. */
#include "kernels.h"

#if defined(__aarch64__)
#if !defined(__ARM_FEATURE_DOTPROD)
#error "compile this file with -march=armv8.2-a+dotprod; it runs only where the CPU has it"
#endif
#include "neon.h"

/* 16 rows of each of `blocks` blocks; blocks and columns are constants where this is inlined: loops
 * over them leave no trace */
PERCEPNET_INLINE void body(int32_t *out_6k, const percepnet_matrix *m, int row, const int8_t *x,
                           int stride, const int blocks, const int columns)
{
    const int8_t *w[4];
    for (int b = 0; b < blocks; b++)
        w[b] = m->weight + (row + b * 16) * m->cols;
    int32x4_t acc[16][4];
    for (int r = 0; r < 4 * blocks; r++)
        for (int c = 0; c < columns; c++)
            acc[r][c] = vld1q_s32(m->bias + row + 4 * r);
    for (const int8_t *at = x; at != x + m->cols; at += 32) {
        {
            int8x16_t in[4];
            for (int c = 0; c < columns; c++)
                in[c] = vld1q_s8(at + c * stride + 0);
            int8x16x4_t a;
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++)
                    for (int c = 0; c < columns; c++)
                        acc[4 * b + r][c] = vdotq_laneq_s32(acc[4 * b + r][c], a.val[r], in[c], 0);
            }
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++)
                    for (int c = 0; c < columns; c++)
                        acc[4 * b + r][c] = vdotq_laneq_s32(acc[4 * b + r][c], a.val[r], in[c], 1);
            }
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++)
                    for (int c = 0; c < columns; c++)
                        acc[4 * b + r][c] = vdotq_laneq_s32(acc[4 * b + r][c], a.val[r], in[c], 2);
            }
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++)
                    for (int c = 0; c < columns; c++)
                        acc[4 * b + r][c] = vdotq_laneq_s32(acc[4 * b + r][c], a.val[r], in[c], 3);
            }
        }
        {
            int8x16_t in[4];
            for (int c = 0; c < columns; c++)
                in[c] = vld1q_s8(at + c * stride + 16);
            int8x16x4_t a;
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++)
                    for (int c = 0; c < columns; c++)
                        acc[4 * b + r][c] = vdotq_laneq_s32(acc[4 * b + r][c], a.val[r], in[c], 0);
            }
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++)
                    for (int c = 0; c < columns; c++)
                        acc[4 * b + r][c] = vdotq_laneq_s32(acc[4 * b + r][c], a.val[r], in[c], 1);
            }
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++)
                    for (int c = 0; c < columns; c++)
                        acc[4 * b + r][c] = vdotq_laneq_s32(acc[4 * b + r][c], a.val[r], in[c], 2);
            }
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++)
                    for (int c = 0; c < columns; c++)
                        acc[4 * b + r][c] = vdotq_laneq_s32(acc[4 * b + r][c], a.val[r], in[c], 3);
            }
        }
    }
    for (int c = 0; c < columns; c++)
        for (int r = 0; r < 4 * blocks; r++)
            requantise(out_6k + c * m->rows, acc[r][c], m, row + 4 * r);
}

PERCEPNET_INLINE void product(int32_t *out_6k, const percepnet_matrix *m, const int8_t *x,
                              int stride, const int columns)
{
    int row = 0;
    const int blocks = 4 / columns; /* as many sums as registers hold */
    if (blocks > 1)
        for (; row + blocks * 16 <= m->rows; row += blocks * 16)
            body(out_6k, m, row, x, stride, blocks, columns);
    for (; row + 16 <= m->rows; row += 16)
        body(out_6k, m, row, x, stride, 1, columns);
    const int8_t *w = m->weight + row * m->cols;
    for (; row < m->rows; row += 4) {
        int32x4_t acc[4];
        for (int c = 0; c < columns; c++)
            acc[c] = vld1q_s32(m->bias + row);
        for (int col = 0; col < m->cols; col += 16) {
            int8x16x4_t a = next64(&w);
            for (int c = 0; c < columns; c++) {
                int8x16_t in = vld1q_s8(x + c * stride + col);
                acc[c] = vdotq_laneq_s32(acc[c], a.val[0], in, 0);
                acc[c] = vdotq_laneq_s32(acc[c], a.val[1], in, 1);
                acc[c] = vdotq_laneq_s32(acc[c], a.val[2], in, 2);
                acc[c] = vdotq_laneq_s32(acc[c], a.val[3], in, 3);
            }
        }
        for (int c = 0; c < columns; c++)
            requantise(out_6k + c * m->rows, acc[c], m, row);
    }
}

void percepnet_matmul_s8_dotprod(int32_t *out_6k, const percepnet_matrix *matrix, const int8_t *x,
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
