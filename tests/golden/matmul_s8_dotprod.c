/* int8 matrix times int8 columns with SDOT by element: four weights of four rows an instruction.
 * A weight is read once for all columns, whose sums stay in registers beside each other, as do
 * their inputs, laid side by side, 4 of each. */
#include "kernels.h"

#include <string.h>

#if defined(__aarch64__)
#if !defined(__ARM_FEATURE_DOTPROD)
#error "compile this file with -march=armv8.2-a+dotprod; it runs only where the CPU has it"
#endif
#include "neon.h"

PERCEPNET_INLINE void begin1(int32x4_t acc[1][4], const int32_t *bias)
{
    load16(acc[0], bias);
    for (int c = 1; c < 1; c++)
        for (int r = 0; r < 4; r++)
            acc[c][r] = acc[0][r];
}

PERCEPNET_INLINE void end1(int32_t *out_6k, int32x4_t acc[1][4], const percepnet_matrix *m, int row)
{
    int32x4_t mult[4];
    load16(mult, m->mult + row);
    for (int c = 0; c < 1; c++) {
        for (int r = 0; r < 4; r++)
            acc[c][r] = vqrdmulhq_s32(acc[c][r], mult[r]);
        store16(out_6k + c * m->rows + row, acc[c]);
    }
}

/* 16 rows of each of `blocks` blocks, a constant where this is inlined: loops over it leave no trace */
PERCEPNET_INLINE void dense1(int32_t *out_6k, const percepnet_matrix *m, int row, const int8_t *x,
                             const int blocks)
{
    const int8_t *w[4];
    int32x4_t acc[4][1][4];
    for (int b = 0; b < blocks; b++) {
        w[b] = m->weight + (row + b * 16) * m->cols;
        begin1(acc[b], m->bias + row + b * 16);
    }
    for (const int8_t *at = x; at != x + 1 * m->cols; at += 32) {
        {
            int8x16_t in[1];
            int8x16x4_t a;
            in[0] = vld1q_s8(at + 0);
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[0], 0);
                }
            }
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[0], 1);
                }
            }
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[0], 2);
                }
            }
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[0], 3);
                }
            }
        }
        {
            int8x16_t in[1];
            int8x16x4_t a;
            in[0] = vld1q_s8(at + 16);
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[0], 0);
                }
            }
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[0], 1);
                }
            }
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[0], 2);
                }
            }
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[0], 3);
                }
            }
        }
    }
    for (int b = 0; b < blocks; b++)
        end1(out_6k, acc[b], m, row + b * 16);
}

/* the next weights of 16 rows, those of a column group */
PERCEPNET_INLINE void step1(int32x4_t acc[1][4], const int8_t **w, const int8_t *x, size_t group)
{
    x += 4 * group;
    uint32_t four;
    memcpy(&four, x, sizeof four);
    int8x8_t in[1] = {vcreate_s8(four)};
    int8x16x4_t a;
    a = next64(w);
    for (int r = 0; r < 4; r++) {
        acc[0][r] = vdotq_lane_s32(acc[0][r], a.val[r], in[0], 0);
    }
}

/* 16 rows of a sparse matrix; those that follow them */
PERCEPNET_INLINE percepnet_blocks sparse1(int32_t *out_6k, const percepnet_matrix *m, int row,
                                          percepnet_blocks b, const int8_t *x)
{
    int32x4_t acc[1][4];
    begin1(acc, m->bias + row);
    const int groups = *b.index++;
    for (const uint16_t *stop = b.index + (groups & ~7); b.index != stop; b.index += 8)
        for (int i = 0; i < 8; i++)
            step1(acc, &b.weight, x, b.index[i]);
    if (groups & 4)
        for (const uint16_t *stop = b.index + 4; b.index != stop;)
            step1(acc, &b.weight, x, *b.index++);
    if (groups & 2)
        for (const uint16_t *stop = b.index + 2; b.index != stop;)
            step1(acc, &b.weight, x, *b.index++);
    if (groups & 1)
        for (const uint16_t *stop = b.index + 1; b.index != stop;)
            step1(acc, &b.weight, x, *b.index++);
    end1(out_6k, acc, m, row);
    return b;
}

/* 4 rows */
PERCEPNET_INLINE void tail1(int32_t *out_6k, const percepnet_matrix *m, int row, const int8_t *w,
                            const int8_t *x)
{
    int32x4_t acc[1];
    for (int c = 0; c < 1; c++)
        acc[c] = vld1q_s32(m->bias + row);
    for (const int8_t *end = w + 4 * m->cols; w != end; x += 16) {
        int8x16x4_t a = next64(&w);
        int8x16_t in[1];
        for (int i = 0; i < 1; i++)
            in[i] = vld1q_s8(x + 16 * i);
        acc[0] = vdotq_laneq_s32(acc[0], a.val[0], in[0], 0);
        acc[0] = vdotq_laneq_s32(acc[0], a.val[1], in[0], 1);
        acc[0] = vdotq_laneq_s32(acc[0], a.val[2], in[0], 2);
        acc[0] = vdotq_laneq_s32(acc[0], a.val[3], in[0], 3);
    }
    for (int c = 0; c < 1; c++)
        requantise(out_6k + c * m->rows, acc[c], m, row);
}

/* x: as side_by_side leaves it */
PERCEPNET_INLINE void product1(int32_t *out_6k, const percepnet_matrix *m, const int8_t *x)
{
    int row = 0;
    percepnet_blocks b = {m->weight, m->index, 0};
    for (; m->index && row + 16 <= m->rows; row += 16)
        b = sparse1(out_6k, m, row, b, x);
    for (; row + 64 <= m->rows; row += 64, b.weight += 64 * m->cols)
        dense1(out_6k, m, row, x, 4);
    for (; row + 16 <= m->rows; row += 16, b.weight += 16 * m->cols)
        dense1(out_6k, m, row, x, 1);
    for (; row < m->rows; row += 4, b.weight += 4 * m->cols)
        tail1(out_6k, m, row, b.weight, x);
}

PERCEPNET_INLINE void begin2(int32x4_t acc[2][4], const int32_t *bias)
{
    load16(acc[0], bias);
    for (int c = 1; c < 2; c++)
        for (int r = 0; r < 4; r++)
            acc[c][r] = acc[0][r];
}

PERCEPNET_INLINE void end2(int32_t *out_6k, int32x4_t acc[2][4], const percepnet_matrix *m, int row)
{
    int32x4_t mult[4];
    load16(mult, m->mult + row);
    for (int c = 0; c < 2; c++) {
        for (int r = 0; r < 4; r++)
            acc[c][r] = vqrdmulhq_s32(acc[c][r], mult[r]);
        store16(out_6k + c * m->rows + row, acc[c]);
    }
}

/* 16 rows of each of `blocks` blocks, a constant where this is inlined: loops over it leave no trace */
PERCEPNET_INLINE void dense2(int32_t *out_6k, const percepnet_matrix *m, int row, const int8_t *x,
                             const int blocks)
{
    const int8_t *w[4];
    int32x4_t acc[4][2][4];
    for (int b = 0; b < blocks; b++) {
        w[b] = m->weight + (row + b * 16) * m->cols;
        begin2(acc[b], m->bias + row + b * 16);
    }
    for (const int8_t *at = x; at != x + 2 * m->cols; at += 64) {
        {
            int8x16_t in[2];
            int8x16x4_t a;
            in[0] = vld1q_s8(at + 0);
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[0], 0);
                    acc[b][1][r] = vdotq_laneq_s32(acc[b][1][r], a.val[r], in[0], 1);
                }
            }
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[0], 2);
                    acc[b][1][r] = vdotq_laneq_s32(acc[b][1][r], a.val[r], in[0], 3);
                }
            }
            in[1] = vld1q_s8(at + 16);
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[1], 0);
                    acc[b][1][r] = vdotq_laneq_s32(acc[b][1][r], a.val[r], in[1], 1);
                }
            }
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[1], 2);
                    acc[b][1][r] = vdotq_laneq_s32(acc[b][1][r], a.val[r], in[1], 3);
                }
            }
        }
        {
            int8x16_t in[2];
            int8x16x4_t a;
            in[0] = vld1q_s8(at + 32);
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[0], 0);
                    acc[b][1][r] = vdotq_laneq_s32(acc[b][1][r], a.val[r], in[0], 1);
                }
            }
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[0], 2);
                    acc[b][1][r] = vdotq_laneq_s32(acc[b][1][r], a.val[r], in[0], 3);
                }
            }
            in[1] = vld1q_s8(at + 48);
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[1], 0);
                    acc[b][1][r] = vdotq_laneq_s32(acc[b][1][r], a.val[r], in[1], 1);
                }
            }
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[1], 2);
                    acc[b][1][r] = vdotq_laneq_s32(acc[b][1][r], a.val[r], in[1], 3);
                }
            }
        }
    }
    for (int b = 0; b < blocks; b++)
        end2(out_6k, acc[b], m, row + b * 16);
}

/* the next weights of 16 rows, those of a column group */
PERCEPNET_INLINE void step2(int32x4_t acc[2][4], const int8_t **w, const int8_t *x, size_t group)
{
    x += 8 * group;
    int8x8_t in[1] = {vld1_s8(x)};
    int8x16x4_t a;
    a = next64(w);
    for (int r = 0; r < 4; r++) {
        acc[0][r] = vdotq_lane_s32(acc[0][r], a.val[r], in[0], 0);
        acc[1][r] = vdotq_lane_s32(acc[1][r], a.val[r], in[0], 1);
    }
}

/* 16 rows of a sparse matrix; those that follow them */
PERCEPNET_INLINE percepnet_blocks sparse2(int32_t *out_6k, const percepnet_matrix *m, int row,
                                          percepnet_blocks b, const int8_t *x)
{
    int32x4_t acc[2][4];
    begin2(acc, m->bias + row);
    const int groups = *b.index++;
    for (const uint16_t *stop = b.index + (groups & ~7); b.index != stop; b.index += 8)
        for (int i = 0; i < 8; i++)
            step2(acc, &b.weight, x, b.index[i]);
    if (groups & 4)
        for (const uint16_t *stop = b.index + 4; b.index != stop;)
            step2(acc, &b.weight, x, *b.index++);
    if (groups & 2)
        for (const uint16_t *stop = b.index + 2; b.index != stop;)
            step2(acc, &b.weight, x, *b.index++);
    if (groups & 1)
        for (const uint16_t *stop = b.index + 1; b.index != stop;)
            step2(acc, &b.weight, x, *b.index++);
    end2(out_6k, acc, m, row);
    return b;
}

/* 4 rows */
PERCEPNET_INLINE void tail2(int32_t *out_6k, const percepnet_matrix *m, int row, const int8_t *w,
                            const int8_t *x)
{
    int32x4_t acc[2];
    for (int c = 0; c < 2; c++)
        acc[c] = vld1q_s32(m->bias + row);
    for (const int8_t *end = w + 4 * m->cols; w != end; x += 32) {
        int8x16x4_t a = next64(&w);
        int8x16_t in[2];
        for (int i = 0; i < 2; i++)
            in[i] = vld1q_s8(x + 16 * i);
        acc[0] = vdotq_laneq_s32(acc[0], a.val[0], in[0], 0);
        acc[1] = vdotq_laneq_s32(acc[1], a.val[0], in[0], 1);
        acc[0] = vdotq_laneq_s32(acc[0], a.val[1], in[0], 2);
        acc[1] = vdotq_laneq_s32(acc[1], a.val[1], in[0], 3);
        acc[0] = vdotq_laneq_s32(acc[0], a.val[2], in[1], 0);
        acc[1] = vdotq_laneq_s32(acc[1], a.val[2], in[1], 1);
        acc[0] = vdotq_laneq_s32(acc[0], a.val[3], in[1], 2);
        acc[1] = vdotq_laneq_s32(acc[1], a.val[3], in[1], 3);
    }
    for (int c = 0; c < 2; c++)
        requantise(out_6k + c * m->rows, acc[c], m, row);
}

/* x: as side_by_side leaves it */
PERCEPNET_INLINE void product2(int32_t *out_6k, const percepnet_matrix *m, const int8_t *x)
{
    int row = 0;
    percepnet_blocks b = {m->weight, m->index, 0};
    for (; m->index && row + 16 <= m->rows; row += 16)
        b = sparse2(out_6k, m, row, b, x);
    for (; row + 32 <= m->rows; row += 32, b.weight += 32 * m->cols)
        dense2(out_6k, m, row, x, 2);
    for (; row + 16 <= m->rows; row += 16, b.weight += 16 * m->cols)
        dense2(out_6k, m, row, x, 1);
    for (; row < m->rows; row += 4, b.weight += 4 * m->cols)
        tail2(out_6k, m, row, b.weight, x);
}

PERCEPNET_INLINE void begin3(int32x4_t acc[3][4], const int32_t *bias)
{
    load16(acc[0], bias);
    for (int c = 1; c < 3; c++)
        for (int r = 0; r < 4; r++)
            acc[c][r] = acc[0][r];
}

PERCEPNET_INLINE void end3(int32_t *out_6k, int32x4_t acc[3][4], const percepnet_matrix *m, int row)
{
    int32x4_t mult[4];
    load16(mult, m->mult + row);
    for (int c = 0; c < 3; c++) {
        for (int r = 0; r < 4; r++)
            acc[c][r] = vqrdmulhq_s32(acc[c][r], mult[r]);
        store16(out_6k + c * m->rows + row, acc[c]);
    }
}

/* 16 rows of each of `blocks` blocks, a constant where this is inlined: loops over it leave no trace */
PERCEPNET_INLINE void dense3(int32_t *out_6k, const percepnet_matrix *m, int row, const int8_t *x,
                             const int blocks)
{
    const int8_t *w[4];
    int32x4_t acc[4][3][4];
    for (int b = 0; b < blocks; b++) {
        w[b] = m->weight + (row + b * 16) * m->cols;
        begin3(acc[b], m->bias + row + b * 16);
    }
    for (const int8_t *at = x; at != x + 3 * m->cols; at += 96) {
        {
            int8x16_t in[3];
            int8x16x4_t a;
            in[0] = vld1q_s8(at + 0);
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[0], 0);
                    acc[b][1][r] = vdotq_laneq_s32(acc[b][1][r], a.val[r], in[0], 1);
                    acc[b][2][r] = vdotq_laneq_s32(acc[b][2][r], a.val[r], in[0], 2);
                }
            }
            in[1] = vld1q_s8(at + 16);
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[0], 3);
                    acc[b][1][r] = vdotq_laneq_s32(acc[b][1][r], a.val[r], in[1], 0);
                    acc[b][2][r] = vdotq_laneq_s32(acc[b][2][r], a.val[r], in[1], 1);
                }
            }
            in[2] = vld1q_s8(at + 32);
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[1], 2);
                    acc[b][1][r] = vdotq_laneq_s32(acc[b][1][r], a.val[r], in[1], 3);
                    acc[b][2][r] = vdotq_laneq_s32(acc[b][2][r], a.val[r], in[2], 0);
                }
            }
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[2], 1);
                    acc[b][1][r] = vdotq_laneq_s32(acc[b][1][r], a.val[r], in[2], 2);
                    acc[b][2][r] = vdotq_laneq_s32(acc[b][2][r], a.val[r], in[2], 3);
                }
            }
        }
        {
            int8x16_t in[3];
            int8x16x4_t a;
            in[0] = vld1q_s8(at + 48);
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[0], 0);
                    acc[b][1][r] = vdotq_laneq_s32(acc[b][1][r], a.val[r], in[0], 1);
                    acc[b][2][r] = vdotq_laneq_s32(acc[b][2][r], a.val[r], in[0], 2);
                }
            }
            in[1] = vld1q_s8(at + 64);
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[0], 3);
                    acc[b][1][r] = vdotq_laneq_s32(acc[b][1][r], a.val[r], in[1], 0);
                    acc[b][2][r] = vdotq_laneq_s32(acc[b][2][r], a.val[r], in[1], 1);
                }
            }
            in[2] = vld1q_s8(at + 80);
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[1], 2);
                    acc[b][1][r] = vdotq_laneq_s32(acc[b][1][r], a.val[r], in[1], 3);
                    acc[b][2][r] = vdotq_laneq_s32(acc[b][2][r], a.val[r], in[2], 0);
                }
            }
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[2], 1);
                    acc[b][1][r] = vdotq_laneq_s32(acc[b][1][r], a.val[r], in[2], 2);
                    acc[b][2][r] = vdotq_laneq_s32(acc[b][2][r], a.val[r], in[2], 3);
                }
            }
        }
    }
    for (int b = 0; b < blocks; b++)
        end3(out_6k, acc[b], m, row + b * 16);
}

/* the next weights of 16 rows, those of a column group */
PERCEPNET_INLINE void step3(int32x4_t acc[3][4], const int8_t **w, const int8_t *x, size_t group)
{
    x += 12 * group;
    int8x16_t in[1] = {vld1q_s8(x)};
    int8x16x4_t a;
    a = next64(w);
    for (int r = 0; r < 4; r++) {
        acc[0][r] = vdotq_laneq_s32(acc[0][r], a.val[r], in[0], 0);
        acc[1][r] = vdotq_laneq_s32(acc[1][r], a.val[r], in[0], 1);
        acc[2][r] = vdotq_laneq_s32(acc[2][r], a.val[r], in[0], 2);
    }
}

/* 16 rows of a sparse matrix; those that follow them */
PERCEPNET_INLINE percepnet_blocks sparse3(int32_t *out_6k, const percepnet_matrix *m, int row,
                                          percepnet_blocks b, const int8_t *x)
{
    int32x4_t acc[3][4];
    begin3(acc, m->bias + row);
    const int groups = *b.index++;
    for (const uint16_t *stop = b.index + (groups & ~7); b.index != stop; b.index += 8)
        for (int i = 0; i < 8; i++)
            step3(acc, &b.weight, x, b.index[i]);
    if (groups & 4)
        for (const uint16_t *stop = b.index + 4; b.index != stop;)
            step3(acc, &b.weight, x, *b.index++);
    if (groups & 2)
        for (const uint16_t *stop = b.index + 2; b.index != stop;)
            step3(acc, &b.weight, x, *b.index++);
    if (groups & 1)
        for (const uint16_t *stop = b.index + 1; b.index != stop;)
            step3(acc, &b.weight, x, *b.index++);
    end3(out_6k, acc, m, row);
    return b;
}

/* 4 rows */
PERCEPNET_INLINE void tail3(int32_t *out_6k, const percepnet_matrix *m, int row, const int8_t *w,
                            const int8_t *x)
{
    int32x4_t acc[3];
    for (int c = 0; c < 3; c++)
        acc[c] = vld1q_s32(m->bias + row);
    for (const int8_t *end = w + 4 * m->cols; w != end; x += 48) {
        int8x16x4_t a = next64(&w);
        int8x16_t in[3];
        for (int i = 0; i < 3; i++)
            in[i] = vld1q_s8(x + 16 * i);
        acc[0] = vdotq_laneq_s32(acc[0], a.val[0], in[0], 0);
        acc[1] = vdotq_laneq_s32(acc[1], a.val[0], in[0], 1);
        acc[2] = vdotq_laneq_s32(acc[2], a.val[0], in[0], 2);
        acc[0] = vdotq_laneq_s32(acc[0], a.val[1], in[0], 3);
        acc[1] = vdotq_laneq_s32(acc[1], a.val[1], in[1], 0);
        acc[2] = vdotq_laneq_s32(acc[2], a.val[1], in[1], 1);
        acc[0] = vdotq_laneq_s32(acc[0], a.val[2], in[1], 2);
        acc[1] = vdotq_laneq_s32(acc[1], a.val[2], in[1], 3);
        acc[2] = vdotq_laneq_s32(acc[2], a.val[2], in[2], 0);
        acc[0] = vdotq_laneq_s32(acc[0], a.val[3], in[2], 1);
        acc[1] = vdotq_laneq_s32(acc[1], a.val[3], in[2], 2);
        acc[2] = vdotq_laneq_s32(acc[2], a.val[3], in[2], 3);
    }
    for (int c = 0; c < 3; c++)
        requantise(out_6k + c * m->rows, acc[c], m, row);
}

/* x: as side_by_side leaves it */
PERCEPNET_INLINE void product3(int32_t *out_6k, const percepnet_matrix *m, const int8_t *x)
{
    int row = 0;
    percepnet_blocks b = {m->weight, m->index, 0};
    for (; m->index && row + 16 <= m->rows; row += 16)
        b = sparse3(out_6k, m, row, b, x);
    for (; row + 16 <= m->rows; row += 16, b.weight += 16 * m->cols)
        dense3(out_6k, m, row, x, 1);
    for (; row < m->rows; row += 4, b.weight += 4 * m->cols)
        tail3(out_6k, m, row, b.weight, x);
}

PERCEPNET_INLINE void begin4(int32x4_t acc[4][4], const int32_t *bias)
{
    load16(acc[0], bias);
    for (int c = 1; c < 4; c++)
        for (int r = 0; r < 4; r++)
            acc[c][r] = acc[0][r];
}

PERCEPNET_INLINE void end4(int32_t *out_6k, int32x4_t acc[4][4], const percepnet_matrix *m, int row)
{
    int32x4_t mult[4];
    load16(mult, m->mult + row);
    for (int c = 0; c < 4; c++) {
        for (int r = 0; r < 4; r++)
            acc[c][r] = vqrdmulhq_s32(acc[c][r], mult[r]);
        store16(out_6k + c * m->rows + row, acc[c]);
    }
}

/* 16 rows of each of `blocks` blocks, a constant where this is inlined: loops over it leave no trace */
PERCEPNET_INLINE void dense4(int32_t *out_6k, const percepnet_matrix *m, int row, const int8_t *x,
                             const int blocks)
{
    const int8_t *w[4];
    int32x4_t acc[4][4][4];
    for (int b = 0; b < blocks; b++) {
        w[b] = m->weight + (row + b * 16) * m->cols;
        begin4(acc[b], m->bias + row + b * 16);
    }
    for (const int8_t *at = x; at != x + 4 * m->cols; at += 128) {
        {
            int8x16_t in[4];
            int8x16x4_t a;
            in[0] = vld1q_s8(at + 0);
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[0], 0);
                    acc[b][1][r] = vdotq_laneq_s32(acc[b][1][r], a.val[r], in[0], 1);
                    acc[b][2][r] = vdotq_laneq_s32(acc[b][2][r], a.val[r], in[0], 2);
                    acc[b][3][r] = vdotq_laneq_s32(acc[b][3][r], a.val[r], in[0], 3);
                }
            }
            in[1] = vld1q_s8(at + 16);
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[1], 0);
                    acc[b][1][r] = vdotq_laneq_s32(acc[b][1][r], a.val[r], in[1], 1);
                    acc[b][2][r] = vdotq_laneq_s32(acc[b][2][r], a.val[r], in[1], 2);
                    acc[b][3][r] = vdotq_laneq_s32(acc[b][3][r], a.val[r], in[1], 3);
                }
            }
            in[2] = vld1q_s8(at + 32);
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[2], 0);
                    acc[b][1][r] = vdotq_laneq_s32(acc[b][1][r], a.val[r], in[2], 1);
                    acc[b][2][r] = vdotq_laneq_s32(acc[b][2][r], a.val[r], in[2], 2);
                    acc[b][3][r] = vdotq_laneq_s32(acc[b][3][r], a.val[r], in[2], 3);
                }
            }
            in[3] = vld1q_s8(at + 48);
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[3], 0);
                    acc[b][1][r] = vdotq_laneq_s32(acc[b][1][r], a.val[r], in[3], 1);
                    acc[b][2][r] = vdotq_laneq_s32(acc[b][2][r], a.val[r], in[3], 2);
                    acc[b][3][r] = vdotq_laneq_s32(acc[b][3][r], a.val[r], in[3], 3);
                }
            }
        }
        {
            int8x16_t in[4];
            int8x16x4_t a;
            in[0] = vld1q_s8(at + 64);
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[0], 0);
                    acc[b][1][r] = vdotq_laneq_s32(acc[b][1][r], a.val[r], in[0], 1);
                    acc[b][2][r] = vdotq_laneq_s32(acc[b][2][r], a.val[r], in[0], 2);
                    acc[b][3][r] = vdotq_laneq_s32(acc[b][3][r], a.val[r], in[0], 3);
                }
            }
            in[1] = vld1q_s8(at + 80);
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[1], 0);
                    acc[b][1][r] = vdotq_laneq_s32(acc[b][1][r], a.val[r], in[1], 1);
                    acc[b][2][r] = vdotq_laneq_s32(acc[b][2][r], a.val[r], in[1], 2);
                    acc[b][3][r] = vdotq_laneq_s32(acc[b][3][r], a.val[r], in[1], 3);
                }
            }
            in[2] = vld1q_s8(at + 96);
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[2], 0);
                    acc[b][1][r] = vdotq_laneq_s32(acc[b][1][r], a.val[r], in[2], 1);
                    acc[b][2][r] = vdotq_laneq_s32(acc[b][2][r], a.val[r], in[2], 2);
                    acc[b][3][r] = vdotq_laneq_s32(acc[b][3][r], a.val[r], in[2], 3);
                }
            }
            in[3] = vld1q_s8(at + 112);
            for (int b = 0; b < blocks; b++) {
                a = next64(&w[b]);
                for (int r = 0; r < 4; r++) {
                    acc[b][0][r] = vdotq_laneq_s32(acc[b][0][r], a.val[r], in[3], 0);
                    acc[b][1][r] = vdotq_laneq_s32(acc[b][1][r], a.val[r], in[3], 1);
                    acc[b][2][r] = vdotq_laneq_s32(acc[b][2][r], a.val[r], in[3], 2);
                    acc[b][3][r] = vdotq_laneq_s32(acc[b][3][r], a.val[r], in[3], 3);
                }
            }
        }
    }
    for (int b = 0; b < blocks; b++)
        end4(out_6k, acc[b], m, row + b * 16);
}

/* the next weights of 16 rows, those of a column group */
PERCEPNET_INLINE void step4(int32x4_t acc[4][4], const int8_t **w, const int8_t *x, size_t group)
{
    x += 16 * group;
    int8x16_t in[1] = {vld1q_s8(x)};
    int8x16x4_t a;
    a = next64(w);
    for (int r = 0; r < 4; r++) {
        acc[0][r] = vdotq_laneq_s32(acc[0][r], a.val[r], in[0], 0);
        acc[1][r] = vdotq_laneq_s32(acc[1][r], a.val[r], in[0], 1);
        acc[2][r] = vdotq_laneq_s32(acc[2][r], a.val[r], in[0], 2);
        acc[3][r] = vdotq_laneq_s32(acc[3][r], a.val[r], in[0], 3);
    }
}

/* 16 rows of a sparse matrix; those that follow them */
PERCEPNET_INLINE percepnet_blocks sparse4(int32_t *out_6k, const percepnet_matrix *m, int row,
                                          percepnet_blocks b, const int8_t *x)
{
    int32x4_t acc[4][4];
    begin4(acc, m->bias + row);
    const int groups = *b.index++;
    for (const uint16_t *stop = b.index + (groups & ~7); b.index != stop; b.index += 8)
        for (int i = 0; i < 8; i++)
            step4(acc, &b.weight, x, b.index[i]);
    if (groups & 4)
        for (const uint16_t *stop = b.index + 4; b.index != stop;)
            step4(acc, &b.weight, x, *b.index++);
    if (groups & 2)
        for (const uint16_t *stop = b.index + 2; b.index != stop;)
            step4(acc, &b.weight, x, *b.index++);
    if (groups & 1)
        for (const uint16_t *stop = b.index + 1; b.index != stop;)
            step4(acc, &b.weight, x, *b.index++);
    end4(out_6k, acc, m, row);
    return b;
}

/* 4 rows */
PERCEPNET_INLINE void tail4(int32_t *out_6k, const percepnet_matrix *m, int row, const int8_t *w,
                            const int8_t *x)
{
    int32x4_t acc[4];
    for (int c = 0; c < 4; c++)
        acc[c] = vld1q_s32(m->bias + row);
    for (const int8_t *end = w + 4 * m->cols; w != end; x += 64) {
        int8x16x4_t a = next64(&w);
        int8x16_t in[4];
        for (int i = 0; i < 4; i++)
            in[i] = vld1q_s8(x + 16 * i);
        acc[0] = vdotq_laneq_s32(acc[0], a.val[0], in[0], 0);
        acc[1] = vdotq_laneq_s32(acc[1], a.val[0], in[0], 1);
        acc[2] = vdotq_laneq_s32(acc[2], a.val[0], in[0], 2);
        acc[3] = vdotq_laneq_s32(acc[3], a.val[0], in[0], 3);
        acc[0] = vdotq_laneq_s32(acc[0], a.val[1], in[1], 0);
        acc[1] = vdotq_laneq_s32(acc[1], a.val[1], in[1], 1);
        acc[2] = vdotq_laneq_s32(acc[2], a.val[1], in[1], 2);
        acc[3] = vdotq_laneq_s32(acc[3], a.val[1], in[1], 3);
        acc[0] = vdotq_laneq_s32(acc[0], a.val[2], in[2], 0);
        acc[1] = vdotq_laneq_s32(acc[1], a.val[2], in[2], 1);
        acc[2] = vdotq_laneq_s32(acc[2], a.val[2], in[2], 2);
        acc[3] = vdotq_laneq_s32(acc[3], a.val[2], in[2], 3);
        acc[0] = vdotq_laneq_s32(acc[0], a.val[3], in[3], 0);
        acc[1] = vdotq_laneq_s32(acc[1], a.val[3], in[3], 1);
        acc[2] = vdotq_laneq_s32(acc[2], a.val[3], in[3], 2);
        acc[3] = vdotq_laneq_s32(acc[3], a.val[3], in[3], 3);
    }
    for (int c = 0; c < 4; c++)
        requantise(out_6k + c * m->rows, acc[c], m, row);
}

/* x: as side_by_side leaves it */
PERCEPNET_INLINE void product4(int32_t *out_6k, const percepnet_matrix *m, const int8_t *x)
{
    int row = 0;
    percepnet_blocks b = {m->weight, m->index, 0};
    for (; m->index && row + 16 <= m->rows; row += 16)
        b = sparse4(out_6k, m, row, b, x);
    for (; row + 16 <= m->rows; row += 16, b.weight += 16 * m->cols)
        dense4(out_6k, m, row, x, 1);
    for (; row < m->rows; row += 4, b.weight += 4 * m->cols)
        tail4(out_6k, m, row, b.weight, x);
}

void percepnet_matmul_s8_dotprod(int32_t *out_6k, const percepnet_matrix *matrix, const int8_t *x,
                                 int stride, int columns)
{
    const percepnet_matrix copy = *matrix, *m = &copy; /* which no store to out_6k can change */
    int8_t inputs[4 * PERCEPNET_COLS_MAX + 16];
    switch (columns) {
    case 1: product1(out_6k, m, x); break;
    case 2:
        side_by_side(inputs, x, m->cols, stride, 2, 4);
        product2(out_6k, m, inputs);
        break;
    case 3:
        side_by_side(inputs, x, m->cols, stride, 3, 4);
        product3(out_6k, m, inputs);
        break;
    case 4:
        side_by_side(inputs, x, m->cols, stride, 4, 4);
        product4(out_6k, m, inputs);
        break;
    }
}
#endif
