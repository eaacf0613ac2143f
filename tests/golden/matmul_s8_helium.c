/* int8 matrix times int8 columns with VMLADAV: sixteen weights of a row, gathered from four column
 * groups, times their inputs. Weights begin at a multiple of 4, as gathered words must. */
#include "kernels.h"

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>
#include <string.h>

/* a row of four column groups; zeros where `groups` is not set */
static inline int8x16_t row_of(const int8_t *weight, uint32x4_t offsets, mve_pred16_t groups)
{
    return vreinterpretq_s8_s32(vldrwq_gather_offset_z_s32((const void *)weight, offsets, groups));
}

static inline int8x16_t whole_row_of(const int8_t *weight, uint32x4_t offsets)
{
    return vreinterpretq_s8_s32(vldrwq_gather_offset_s32((const void *)weight, offsets));
}

/* four rows of a block of `rows`, from `row` on; x: the inputs that the block meets, one after another */
static inline void rows4(int32_t *out_6k, const percepnet_matrix *m, int row, const int8_t *weight,
                         int groups, const int8_t *x, const int rows)
{
    uint32x4_t offsets = vmulq_n_u32(vidupq_n_u32(0, 1), (uint32_t)(4 * rows));
    int32x4_t sums = vld1q_s32(m->bias + row);
    int32_t a = vgetq_lane_s32(sums, 0), b = vgetq_lane_s32(sums, 1);
    int32_t c = vgetq_lane_s32(sums, 2), d = vgetq_lane_s32(sums, 3);
    for (; groups >= 4; groups -= 4, x += 16) {
        int8x16_t x16 = vld1q_s8(x);
        a = vmladavaq_s8(a, whole_row_of(weight, offsets), x16);
        b = vmladavaq_s8(b, whole_row_of(weight + 4, offsets), x16);
        c = vmladavaq_s8(c, whole_row_of(weight + 8, offsets), x16);
        d = vmladavaq_s8(d, whole_row_of(weight + 12, offsets), x16);
        offsets = vaddq_n_u32(offsets, (uint32_t)(16 * rows));
    }
    if (groups > 0) {
        const mve_pred16_t left = vctp32q((uint32_t)groups);
        int8x16_t x16 = vld1q_s8(x);
        a = vmladavaq_s8(a, row_of(weight, offsets, left), x16);
        b = vmladavaq_s8(b, row_of(weight + 4, offsets, left), x16);
        c = vmladavaq_s8(c, row_of(weight + 8, offsets, left), x16);
        d = vmladavaq_s8(d, row_of(weight + 12, offsets, left), x16);
    }
    sums = vsetq_lane_s32(d, vsetq_lane_s32(c, vsetq_lane_s32(b, vsetq_lane_s32(a, sums, 0), 1), 2), 3);
    vst1q_s32(out_6k + row, vqrdmulhq_s32(sums, vld1q_s32(m->mult + row)));
}

static inline void block16(int32_t *out_6k, const percepnet_matrix *m, int row, percepnet_blocks b,
                           const int8_t *x)
{
    int8_t picked[PERCEPNET_COLS_MAX + 16];
    if (b.index) {
        for (int i = 0; i < b.groups; i++)
            memcpy(picked + 4 * i, x + 4 * b.index[i], 4);
        memset(picked + 4 * b.groups, 0, 16);
        x = picked;
    }
    for (int r = 0; r < 16; r += 4)
        rows4(out_6k, m, row + r, b.weight + 4 * r, b.groups, x, 16);
}

static inline void block4(int32_t *out_6k, const percepnet_matrix *m, int row, percepnet_blocks b,
                           const int8_t *x)
{
    rows4(out_6k, m, row, b.weight, b.groups, x, 4);
}

/* All columns of a block of rows while its weights lie in the first cache. */
void percepnet_matmul_s8_helium(int32_t *out_6k, const percepnet_matrix *matrix, const int8_t *x,
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
