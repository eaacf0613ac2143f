/* int8 matrix times int16 columns with SMLAL: two inputs of 16 rows at a time. */
#include "kernels.h"

#if defined(__ARM_NEON)
#include "neon.h"

typedef struct {
    int32x4_t rows[4];
} rows16;

/* rows += a x: 16 weights of one input */
static inline rows16 accumulate(rows16 acc, int8x16_t a, int16x4_t x)
{
    int16x8_t low = vmovl_s8(vget_low_s8(a)), high = vmovl_s8(vget_high_s8(a));
    return (rows16){ {
        vmlal_s16(acc.rows[0], vget_low_s16(low), x),
        vmlal_s16(acc.rows[1], vget_high_s16(low), x),
        vmlal_s16(acc.rows[2], vget_low_s16(high), x),
        vmlal_s16(acc.rows[3], vget_high_s16(high), x),
    } };
}

static inline void block16(int32_t *out_6k, const percepnet_matrix *m, int row,
                           percepnet_blocks b, const int16_t *x)
{
    const int8_t *w = b.weight;
    const int16_t *end = x + m->cols;
    const int32_t *bias = m->bias + row;
    rows16 acc = { {vld1q_s32(bias), vld1q_s32(bias + 4), vld1q_s32(bias + 8), vld1q_s32(bias + 12)} };
    for (; x != end; x += 2, w += 32) {
        int8x16x2_t a = vld2q_s8(w);
        acc = accumulate(acc, a.val[0], vdup_n_s16(x[0]));
        acc = accumulate(acc, a.val[1], vdup_n_s16(x[1]));
    }
    for (int r = 0; r < 4; r++)
        requantise(out_6k, acc.rows[r], m, row + 4 * r);
}

static inline void block4(int32_t *out_6k, const percepnet_matrix *m, int row,
                           percepnet_blocks b, const int16_t *x)
{
    const int8_t *w = b.weight;
    int32x4_t acc = vld1q_s32(m->bias + row);
    for (int col = 0; col < m->cols; col += 2, w += 8) {
        int16x4_t even = {w[0], w[2], w[4], w[6]}, odd = {w[1], w[3], w[5], w[7]};
        acc = vmlal_s16(acc, even, vdup_n_s16(x[col]));
        acc = vmlal_s16(acc, odd, vdup_n_s16(x[col + 1]));
    }
    requantise(out_6k, acc, m, row);
}

/* All columns of a block of rows while its weights lie in the first cache. */
void percepnet_matmul_s8_s16_neon(int32_t *out_6k, const percepnet_matrix *matrix, const int16_t *x,
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
