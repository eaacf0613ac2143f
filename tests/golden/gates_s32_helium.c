/* tanh, sigmoid and the gates of a GRU, eight at a time in 16 bits: the coefficients of tanh's cubic
 * are gathered. Of 32-bit numbers even ones and odd ones go side by side. */
#include "kernels.h"

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>

#include "gates.h"

typedef int32x4x2_t pairs; /* even numbers, odd numbers */

/* The empty asm hides the address, which GCC 12 would count up as VLD2 cannot. */
static inline pairs load(const int32_t *x)
{
    __asm__("" : "+r"(x));
    return vld2q_s32(x);
}

/* a + b c, Q15; nothing saturates */
static inline int16x8_t multiply_add(int16x8_t a, int16x8_t b, int16x8_t c)
{
    return vaddq_s16(a, vqrdmulhq_s16(b, c));
}

static inline int16x8_t coefficient(int power, uint16x8_t point)
{
    return vldrhq_gather_shifted_offset_s16(percepnet_tanh_cubics_q15 + 16 * power, point);
}

static inline int16x8_t tanh_of_size(int16x8_t size)
{
    uint16x8_t point = vreinterpretq_u16_s16(vqrdmulhq_n_s16(size, 15));
    int16x8_t offset_q15 = vmulq_n_s16(size, 30); /* from the point on: what 16 bits keep of it */
    int16x8_t y = coefficient(0, point);
    for (int power = 1; power < 4; power++)
        y = multiply_add(coefficient(power, point), y, offset_q15);
    return y;
}

static inline int16x8_t tanh8(int16x8_t x_6k)
{
    int16x8_t sign = vshrq_n_s16(x_6k, 15);
    return vsubq_s16(veorq_s16(tanh_of_size(vqabsq_s16(x_6k)), sign), sign);
}

/* (32769 + tanh) / 2 without a sign; what the sign turns is one less than -tanh */
static inline int16x8_t sigmoid8(int16x8_t half_6k)
{
    int16x8_t y = veorq_s16(tanh_of_size(vqabsq_s16(half_6k)), vshrq_n_s16(half_6k, 15));
    uint16x8_t raised = vreinterpretq_u16_s16(veorq_s16(y, vdupq_n_s16(INT16_MIN)));
    return vreinterpretq_s16_u16(vrshrq_n_u16(raised, 1));
}

/* saturated to 16 bits: tanh is flat beyond */
static inline int16x8_t narrow(int32x4_t even, int32x4_t odd)
{
    return vqmovntq_s32(vqmovnbq_s32(vdupq_n_s16(0), even), odd);
}

static inline int16x8_t sum(const int32_t *x, const int32_t *y)
{
    pairs a = load(x), b = load(y);
    return narrow(vaddq_s32(a.val[0], b.val[0]), vaddq_s32(a.val[1], b.val[1]));
}

/* an int8 of each: the low byte */
static inline void put_s8(int8_t *out, int16x8_t x_q15)
{
    vstrbq_s16(out, vqrdmulhq_n_s16(x_q15, 127));
}

void percepnet_tanh_s32_helium(int16_t *out_q15, int8_t *out_s8, const int32_t *pre_6k, int n)
{
    int i = 0;
    for (; i + 8 <= n; i += 8) {
        pairs x = load(pre_6k + i);
        int16x8_t y = tanh8(narrow(x.val[0], x.val[1]));
        vst1q_s16(out_q15 + i, y);
        put_s8(out_s8 + i, y);
    }
    for (; i < n; i++)
        out_s8[i] = to_s8(out_q15[i] = tanh_q15(pre_6k[i]));
}

void percepnet_sigmoid_s32_helium(int16_t *out_q15, const int32_t *half_6k, int n)
{
    int i = 0;
    for (; i + 8 <= n; i += 8) {
        pairs x = load(half_6k + i);
        vst1q_s16(out_q15 + i, sigmoid8(narrow(x.val[0], x.val[1])));
    }
    for (; i < n; i++)
        out_q15[i] = sigmoid_q15(half_6k[i]);
}

/* x + r h, r in Q15 */
static inline int16x8_t candidate(const int32_t *x, const int32_t *hidden, int16x8_t r_q15)
{
    pairs a = load(x), b = load(hidden);
    int32x4_t even_q31 = vshlq_n_s32(vreinterpretq_s32_s16(r_q15), 16);
    int32x4_t odd_q31 = vbicq_s32(vreinterpretq_s32_s16(r_q15), vdupq_n_s32(0xFFFF));
    return narrow(vaddq_s32(a.val[0], vqrdmulhq_s32(b.val[0], even_q31)),
                  vaddq_s32(a.val[1], vqrdmulhq_s32(b.val[1], odd_q31)));
}

/* n + z (h - n) */
static inline int16x8_t between(int16x8_t n, int16x8_t h, int16x8_t z_q15)
{
    int32x4_t even = vsubq_s32(vmullbq_int_s16(z_q15, h), vmullbq_int_s16(z_q15, n));
    int32x4_t odd = vsubq_s32(vmulltq_int_s16(z_q15, h), vmulltq_int_s16(z_q15, n));
    int16x8_t way = vrshrntq_n_s32(vrshrnbq_n_s32(vdupq_n_s16(0), even, 15), odd, 15);
    return vaddq_s16(n, way);
}

void percepnet_gru_s32_helium(int16_t *h_q15, int8_t *h_s8, const int32_t *x_6k,
                              const int32_t *hidden_6k, int units)
{
    int i = 0;
    for (; i + 8 <= units; i += 8) {
        int z_at = units + i, n_at = 2 * units + i;
        int16x8_t r = sigmoid8(sum(x_6k + i, hidden_6k + i));
        int16x8_t z = sigmoid8(sum(x_6k + z_at, hidden_6k + z_at));
        int16x8_t n = tanh8(candidate(x_6k + n_at, hidden_6k + n_at, r));
        int16x8_t h = between(n, vld1q_s16(h_q15 + i), z);
        vst1q_s16(h_q15 + i, h);
        put_s8(h_s8 + i, h);
    }
    for (; i < units; i++)
        h_s8[i] = to_s8(h_q15[i] = gru_unit_q15(h_q15[i], x_6k, hidden_6k, units, i));
}
#endif
