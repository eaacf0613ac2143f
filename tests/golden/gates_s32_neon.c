/* tanh, sigmoid and the gates of a GRU, eight at a time in 16 bits: the coefficients of tanh's cubic
 * lie in registers and are looked up there (TBL). */
#include "kernels.h"

#if defined(__ARM_NEON)
#include "gates.h"
#include "neon.h"

/* Low bytes of one coefficient of 16 points, then high bytes. Those of t^3, t^2, t and 1 go by hand
 * from function to function: GCC 12 leaves in memory what a struct or an array of them holds. */
#if defined(__aarch64__)
typedef uint8x16x2_t planes;
#else
typedef uint8x8x4_t planes;
#endif

PERCEPNET_INLINE planes load_planes(int power)
{
    uint8x16x2_t both = vld2q_u8((const uint8_t *)(percepnet_tanh_cubics_q15 + 16 * power));
#if defined(__aarch64__)
    return both;
#else
    return (planes){ {vget_low_u8(both.val[0]), vget_high_u8(both.val[0]),
                      vget_low_u8(both.val[1]), vget_high_u8(both.val[1])} };
#endif
}

PERCEPNET_INLINE int16x8_t look_up(planes table, uint8x16_t at)
{
#if defined(__aarch64__)
    return vreinterpretq_s16_u8(vqtbl2q_u8(table, at));
#else
    return vreinterpretq_s16_u8(
        vcombine_u8(vtbl4_u8(table, vget_low_u8(at)), vtbl4_u8(table, vget_high_u8(at))));
#endif
}

/* a + b c, Q15; nothing saturates */
PERCEPNET_INLINE int16x8_t multiply_add(int16x8_t a, int16x8_t b, int16x8_t c)
{
    return vaddq_s16(a, vqrdmulhq_s16(b, c));
}

PERCEPNET_INLINE int16x8_t tanh_of_size(planes cube, planes square, planes slope, planes value, int16x8_t size)
{
    uint16x8_t point = vreinterpretq_u16_s16(vqrdmulhq_n_s16(size, 15));
    int16x8_t offset_q15 = vmulq_n_s16(size, 30); /* from the point on: what 16 bits keep of it */
    point = vsliq_n_u16(point, point, 8);
    uint8x16_t at = vreinterpretq_u8_u16(vorrq_u16(point, vdupq_n_u16(16 << 8)));
    int16x8_t y = multiply_add(look_up(square, at), look_up(cube, at), offset_q15);
    y = multiply_add(look_up(slope, at), y, offset_q15);
    return multiply_add(look_up(value, at), y, offset_q15);
}

PERCEPNET_INLINE int16x8_t tanh8(planes cube, planes square, planes slope, planes value, int16x8_t x_6k)
{
    int16x8_t sign = vshrq_n_s16(x_6k, 15);
    return vsubq_s16(veorq_s16(tanh_of_size(cube, square, slope, value, vqabsq_s16(x_6k)), sign), sign);
}

/* (32769 + tanh) / 2 without a sign; what the sign turns is one less than -tanh */
PERCEPNET_INLINE int16x8_t sigmoid8(planes cube, planes square, planes slope, planes value, int16x8_t half_6k)
{
    int16x8_t y = veorq_s16(tanh_of_size(cube, square, slope, value, vqabsq_s16(half_6k)), vshrq_n_s16(half_6k, 15));
    uint16x8_t raised = vreinterpretq_u16_s16(veorq_s16(y, vdupq_n_s16(INT16_MIN)));
    return vreinterpretq_s16_u16(vrshrq_n_u16(raised, 1));
}

/* the next eight of 32 bits; the empty asm as in neon.h */
PERCEPNET_INLINE int32x4x2_t next8(const int32_t **x)
{
#if defined(__aarch64__)
    int32x4x2_t a = vld1q_s32_x2(*x);
#else
    int32x4x2_t a = { {vld1q_s32(*x), vld1q_s32(*x + 4)} };
#endif
    *x += 8;
    __asm__("" : "+r"(*x));
    return a;
}

/* saturated to 16 bits: tanh is flat beyond */
PERCEPNET_INLINE int16x8_t narrow(int32x4_t low, int32x4_t high)
{
#if defined(__aarch64__)
    return vqmovn_high_s32(vqmovn_s32(low), high);
#else
    return vcombine_s16(vqmovn_s32(low), vqmovn_s32(high));
#endif
}

PERCEPNET_INLINE int16x8_t next_sum(const int32_t **x, const int32_t **y)
{
    int32x4x2_t a = next8(x), b = next8(y);
    return narrow(vaddq_s32(a.val[0], b.val[0]), vaddq_s32(a.val[1], b.val[1]));
}

PERCEPNET_INLINE void put_s8(int8_t *out, int16x8_t x_q15)
{
    vst1_s8(out, vmovn_s16(vqrdmulhq_n_s16(x_q15, 127)));
}

void percepnet_tanh_s32_neon(int16_t *out_q15, int8_t *out_s8, const int32_t *pre_6k, int n)
{
    const planes cube = load_planes(0), square = load_planes(1);
    const planes slope = load_planes(2), value = load_planes(3);
    int i = 0;
    for (; i + 8 <= n; i += 8) {
        int32x4x2_t x = next8(&pre_6k);
        int16x8_t y = tanh8(cube, square, slope, value, narrow(x.val[0], x.val[1]));
        vst1q_s16(out_q15 + i, y);
        put_s8(out_s8 + i, y);
    }
    for (; i < n; i++)
        out_s8[i] = to_s8(out_q15[i] = tanh_q15(*pre_6k++));
}

void percepnet_sigmoid_s32_neon(int16_t *out_q15, const int32_t *half_6k, int n)
{
    const planes cube = load_planes(0), square = load_planes(1);
    const planes slope = load_planes(2), value = load_planes(3);
    int i = 0;
    for (; i + 8 <= n; i += 8) {
        int32x4x2_t x = next8(&half_6k);
        vst1q_s16(out_q15 + i, sigmoid8(cube, square, slope, value, narrow(x.val[0], x.val[1])));
    }
    for (; i < n; i++)
        out_q15[i] = sigmoid_q15(*half_6k++);
}

/* x + r h, r in Q15 */
PERCEPNET_INLINE int16x8_t next_candidate(const int32_t **x, const int32_t **hidden, int16x8_t r_q15)
{
    int32x4x2_t a = next8(x), b = next8(hidden);
    int16x8x2_t r = vzipq_s16(vdupq_n_s16(0), r_q15); /* in the upper half of 32 bits */
    int32x4_t low = vqrdmulhq_s32(b.val[0], vreinterpretq_s32_s16(r.val[0]));
    int32x4_t high = vqrdmulhq_s32(b.val[1], vreinterpretq_s32_s16(r.val[1]));
    return narrow(vaddq_s32(a.val[0], low), vaddq_s32(a.val[1], high));
}

/* n + z (h - n) */
PERCEPNET_INLINE int16x8_t between(int16x8_t n, int16x8_t h, int16x8_t z_q15)
{
    int32x4_t low = vmull_s16(vget_low_s16(z_q15), vget_low_s16(h));
    low = vmlsl_s16(low, vget_low_s16(z_q15), vget_low_s16(n));
#if defined(__aarch64__)
    int32x4_t high = vmlsl_high_s16(vmull_high_s16(z_q15, h), z_q15, n);
    int16x8_t way = vrshrn_high_n_s32(vrshrn_n_s32(low, 15), high, 15);
#else
    int32x4_t high = vmull_s16(vget_high_s16(z_q15), vget_high_s16(h));
    high = vmlsl_s16(high, vget_high_s16(z_q15), vget_high_s16(n));
    int16x8_t way = vcombine_s16(vrshrn_n_s32(low, 15), vrshrn_n_s32(high, 15));
#endif
    return vaddq_s16(n, way);
}

void percepnet_gru_s32_neon(int16_t *h_q15, int8_t *h_s8, const int32_t *x_6k,
                            const int32_t *hidden_6k, int units)
{
    const planes cube = load_planes(0), square = load_planes(1);
    const planes slope = load_planes(2), value = load_planes(3);
    const int32_t *xr = x_6k, *xz = xr + units, *xn = xz + units;
    const int32_t *hr = hidden_6k, *hz = hr + units, *hn = hz + units;
    int i = 0;
    for (; i + 8 <= units; i += 8) {
        int16x8_t r = sigmoid8(cube, square, slope, value, next_sum(&xr, &hr));
        int16x8_t z = sigmoid8(cube, square, slope, value, next_sum(&xz, &hz));
        int16x8_t n = tanh8(cube, square, slope, value, next_candidate(&xn, &hn, r));
        int16x8_t h = between(n, vld1q_s16(h_q15 + i), z);
        vst1q_s16(h_q15 + i, h);
        put_s8(h_s8 + i, h);
    }
    for (; i < units; i++)
        h_s8[i] = to_s8(h_q15[i] = gru_unit_q15(h_q15[i], x_6k, hidden_6k, units, i));
}
#endif
