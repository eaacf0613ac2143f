/* tanh, sigmoid and the gates of a GRU, four at a time. The interpolation fits int32: a step of
 * the table times a fraction is at most 2130533077. */
#include "kernels.h"

#if defined(__ARM_NEON)
#include "gates.h"
#include "neon.h"

/* table entry and the next one */
static inline int32x2_t pair(uint32_t byte_offset)
{
    return vreinterpret_s32_u8(vld1_u8((const uint8_t *)percepnet_tanh_q30 + byte_offset));
}

/* the table at the four places and right beside them */
static inline int32x4x2_t look_up(uint32x4_t byte_offset)
{
    int32x4_t a = vcombine_s32(pair(vgetq_lane_u32(byte_offset, 0)), pair(vgetq_lane_u32(byte_offset, 1)));
    int32x4_t b = vcombine_s32(pair(vgetq_lane_u32(byte_offset, 2)), pair(vgetq_lane_u32(byte_offset, 3)));
    return vuzpq_s32(a, b);
}

/* lut_lerp of |x| in Q12 with shift 6, Q30 */
static inline int32x4_t tanh_size(int32x4_t x_q12)
{
    uint32x4_t size = vreinterpretq_u32_s32(vqabsq_s32(x_q12));
    size = vminq_u32(size, vdupq_n_u32(32767));
    uint32x4_t offset = vshlq_n_u32(vshrq_n_u32(size, 6), 2);
    int32x4_t fraction = vreinterpretq_s32_u32(vandq_u32(size, vdupq_n_u32((1 << 6) - 1)));
    int32x4x2_t ends = look_up(offset);
    return vrsraq_n_s32(ends.val[0], vmulq_s32(vsubq_s32(ends.val[1], ends.val[0]), fraction), 6);
}

/* lut_lerp of |x| in Q12 with shift 7, Q30 */
static inline int32x4_t sigmoid_size(int32x4_t x_q12)
{
    uint32x4_t size = vreinterpretq_u32_s32(vqabsq_s32(x_q12));
    size = vminq_u32(size, vdupq_n_u32(65535));
    uint32x4_t offset = vshlq_n_u32(vshrq_n_u32(size, 7), 2);
    int32x4_t fraction = vreinterpretq_s32_u32(vandq_u32(size, vdupq_n_u32((1 << 7) - 1)));
    int32x4x2_t ends = look_up(offset);
    return vrsraq_n_s32(ends.val[0], vmulq_s32(vsubq_s32(ends.val[1], ends.val[0]), fraction), 7);
}

static inline int16x4_t tanh4(int32x4_t x_q12)
{
    int16x4_t size = vqrshrn_n_s32(tanh_size(x_q12), 15);
    int16x4_t sign = vmovn_s32(vshrq_n_s32(x_q12, 31));
    return vsub_s16(veor_s16(size, sign), sign);
}

static inline int16x4_t sigmoid4(int32x4_t x_q12)
{
    int32x4_t sign = vshrq_n_s32(x_q12, 31);
    int32x4_t t_q30 = vsubq_s32(veorq_s32(sigmoid_size(x_q12), sign), sign);
    return vqrshrn_n_s32(vaddq_s32(vdupq_n_s32(1 << 30), t_q30), 16);
}

void percepnet_tanh_s32_neon(int16_t *out_q15, const int32_t *pre_q12, int n)
{
    int i = 0;
    for (; i + 4 <= n; i += 4)
        vst1_s16(out_q15 + i, tanh4(vld1q_s32(pre_q12 + i)));
    for (; i < n; i++)
        out_q15[i] = tanh_q15(pre_q12[i]);
}

void percepnet_sigmoid_s32_neon(int16_t *out_q15, const int32_t *pre_q12, int n)
{
    int i = 0;
    for (; i + 4 <= n; i += 4)
        vst1_s16(out_q15 + i, sigmoid4(vld1q_s32(pre_q12 + i)));
    for (; i < n; i++)
        out_q15[i] = sigmoid_q15(pre_q12[i]);
}

/* rounded Q15 product of gate and pre-activation */
static inline int32x4_t scale(int16x4_t gate_q15, int32x4_t x)
{
    int32x4_t gate = vmovl_s16(gate_q15);
    int64x2_t low = vmull_s32(vget_low_s32(gate), vget_low_s32(x));
    int64x2_t high = vmull_s32(vget_high_s32(gate), vget_high_s32(x));
    return vcombine_s32(vrshrn_n_s64(low, 15), vrshrn_n_s64(high, 15));
}

void percepnet_gru_s32_neon(int16_t *h_q15, const int32_t *x_q12, const int32_t *hidden_q12,
                            int units)
{
    const int32_t *xz = x_q12 + units, *xn = xz + units;
    const int32_t *hz = hidden_q12 + units, *hn = hz + units;
    int i = 0;
    for (; i + 4 <= units; i += 4) {
        int16x4_t r = sigmoid4(vaddq_s32(vld1q_s32(x_q12 + i), vld1q_s32(hidden_q12 + i)));
        int16x4_t z = sigmoid4(vaddq_s32(vld1q_s32(xz + i), vld1q_s32(hz + i)));
        int16x4_t n = tanh4(vaddq_s32(vld1q_s32(xn + i), scale(r, vld1q_s32(hn + i))));
        int32x4_t way = vsubl_s16(vld1_s16(h_q15 + i), n);
        int16x4_t step = vmovn_s32(vrshrq_n_s32(vmulq_s32(vmovl_s16(z), way), 15));
        vst1_s16(h_q15 + i, vadd_s16(n, step));
    }
    for (; i < units; i++)
        h_q15[i] = gru_unit_q15(h_q15[i], x_q12, hidden_q12, units, i);
}
#endif
