/* int8 matrix times int16 vector with SMLAL: one column of 16 rows at a time. */
#include "kernels.h"

#if defined(__ARM_NEON)
#include "neon.h"

void percepnet_matvec_s8_s16_neon(int32_t *out_q12, const percepnet_matrix *m, const int16_t *x)
{
    const int64x2_t left = vdupq_n_s64(-m->shift);
    const int8_t *w = m->weight;
    const int16_t *end = x + m->cols;
    const int32_t *bias = m->bias, *mult = m->mult;
    int row = m->rows;
    for (; row >= 16; row -= 16) {
        int32x4_t acc0 = vld1q_s32(bias), acc1 = vld1q_s32(bias + 4);
        int32x4_t acc2 = vld1q_s32(bias + 8), acc3 = vld1q_s32(bias + 12);
        for (const int16_t *at = x; at != end; at++, w += 16) {
            int8x16_t a = vld1q_s8(w);
            int16x4_t value = vdup_n_s16(*at);
            int16x8_t low = vmovl_s8(vget_low_s8(a)), high = vmovl_s8(vget_high_s8(a));
            acc0 = vmlal_s16(acc0, vget_low_s16(low), value);
            acc1 = vmlal_s16(acc1, vget_high_s16(low), value);
            acc2 = vmlal_s16(acc2, vget_low_s16(high), value);
            acc3 = vmlal_s16(acc3, vget_high_s16(high), value);
        }
        requantise(&out_q12, acc0, &mult, left);
        requantise(&out_q12, acc1, &mult, left);
        requantise(&out_q12, acc2, &mult, left);
        requantise(&out_q12, acc3, &mult, left);
        bias += 16;
    }
    for (; row > 0; row -= 4) {
        int32x4_t acc = vld1q_s32(bias);
        for (const int16_t *at = x; at != end; at++, w += 4) {
            int16x4_t a = {w[0], w[1], w[2], w[3]};
            acc = vmlal_s16(acc, a, vdup_n_s16(*at));
        }
        requantise(&out_q12, acc, &mult, left);
        bias += 4;
    }
}
#endif
