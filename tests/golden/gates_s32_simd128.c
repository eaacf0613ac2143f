/* tanh, sigmoid and the gates of a GRU, eight at a time in 16 bits: the coefficients of tanh's cubic
 * lie in registers and are looked up there (i8x16.swizzle). */
#include "kernels.h"

#if defined(__wasm_simd128__)
#include "gates.h"
#include "simd128.h"

/* a place of 16 or more gives 0: one of the two halves of the points does */
PERCEPNET_INLINE v128_t tanh_of_size(v128_t size)
{
    v128_t point = wasm_i16x8_q15mulr_sat(size, wasm_i16x8_splat(15));
    v128_t offset_q15 = wasm_i16x8_mul(size, wasm_i16x8_splat(30)); /* modulo 2^16 */
    v128_t low = wasm_i16x8_mul(point, wasm_i16x8_splat(0x0202));
    low = wasm_i16x8_add(low, wasm_i16x8_splat(0x0100));
    v128_t high = wasm_i8x16_sub(low, wasm_i8x16_splat(16)), y = wasm_i16x8_splat(0);
    for (int i = 0; i < 64; i += 16) {
        v128_t a = wasm_i8x16_swizzle(wasm_v128_load(percepnet_tanh_cubics_q15 + i), low);
        v128_t b = wasm_i8x16_swizzle(wasm_v128_load(percepnet_tanh_cubics_q15 + i + 8), high);
        y = wasm_i16x8_add(wasm_v128_or(a, b), wasm_i16x8_q15mulr_sat(y, offset_q15));
    }
    return y;
}

/* |x|, at most INT16_MAX */
PERCEPNET_INLINE v128_t size_of(v128_t x)
{
    return wasm_i16x8_max(x, wasm_i16x8_sub_sat(wasm_i16x8_splat(0), x));
}

PERCEPNET_INLINE v128_t tanh8(v128_t x_6k)
{
    v128_t sign = wasm_i16x8_shr(x_6k, 15);
    return wasm_i16x8_sub(wasm_v128_xor(tanh_of_size(size_of(x_6k)), sign), sign);
}

/* (32769 + tanh) / 2 without a sign; what the sign turns is one less than -tanh */
PERCEPNET_INLINE v128_t sigmoid8(v128_t half_6k)
{
    v128_t y = wasm_v128_xor(tanh_of_size(size_of(half_6k)), wasm_i16x8_shr(half_6k, 15));
    v128_t raised = wasm_v128_xor(y, wasm_i16x8_splat(INT16_MIN));
    return wasm_u16x8_avgr(raised, wasm_i16x8_splat(0));
}

/* saturated to 16 bits: tanh is flat beyond */
PERCEPNET_INLINE v128_t load8(const int32_t *x)
{
    return wasm_i16x8_narrow_i32x4(wasm_v128_load(x), wasm_v128_load(x + 4));
}

PERCEPNET_INLINE v128_t add4(const int32_t *x, const int32_t *y)
{
    return wasm_i32x4_add(wasm_v128_load(x), wasm_v128_load(y));
}

PERCEPNET_INLINE v128_t sum8(const int32_t *x, const int32_t *y)
{
    return wasm_i16x8_narrow_i32x4(add4(x, y), add4(x + 4, y + 4));
}

PERCEPNET_INLINE void put_s8(int8_t *out, v128_t x_q15)
{
    v128_t x = wasm_i16x8_q15mulr_sat(x_q15, wasm_i16x8_splat(127));
    wasm_v128_store64_lane(out, wasm_i8x16_narrow_i16x8(x, x), 0);
}

void percepnet_tanh_s32_simd128(int16_t *out_q15, int8_t *out_s8, const int32_t *pre_6k, int n)
{
    int i = 0;
    for (; i + 8 <= n; i += 8) {
        v128_t y = tanh8(load8(pre_6k + i));
        wasm_v128_store(out_q15 + i, y);
        put_s8(out_s8 + i, y);
    }
    for (; i < n; i++)
        out_s8[i] = to_s8(out_q15[i] = tanh_q15(pre_6k[i]));
}

void percepnet_sigmoid_s32_simd128(int16_t *out_q15, const int32_t *half_6k, int n)
{
    int i = 0;
    for (; i + 8 <= n; i += 8)
        wasm_v128_store(out_q15 + i, sigmoid8(load8(half_6k + i)));
    for (; i < n; i++)
        out_q15[i] = sigmoid_q15(half_6k[i]);
}

/* x + r h of four, r in Q15 */
PERCEPNET_INLINE v128_t candidate(const int32_t *x_6k, const int32_t *hidden_6k, v128_t r_q15)
{
    v128_t reset = scaled(r_q15, wasm_v128_load(hidden_6k), wasm_i64x2_splat(1 << 14), 15);
    return wasm_i32x4_add(wasm_v128_load(x_6k), reset);
}

/* n + z (h - n) of four, from pairs n, h and -z, z; n above 0 is n << 16 */
PERCEPNET_INLINE v128_t between(v128_t n_h, v128_t minus_z_z, v128_t zero_n)
{
    v128_t sum = wasm_i32x4_add(wasm_i32x4_dot_i16x8(n_h, minus_z_z), wasm_i32x4_shr(zero_n, 1));
    return wasm_i32x4_shr(wasm_i32x4_add(sum, wasm_i32x4_splat(1 << 14)), 15);
}

/* a and b in turn: the first four, the last four */
PERCEPNET_INLINE v128_t zip_low(v128_t a, v128_t b)
{
    return wasm_i16x8_shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

PERCEPNET_INLINE v128_t zip_high(v128_t a, v128_t b)
{
    return wasm_i16x8_shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

void percepnet_gru_s32_simd128(int16_t *h_q15, int8_t *h_s8, const int32_t *x_6k,
                               const int32_t *hidden_6k, int units)
{
    const int32_t *xz = x_6k + units, *xn = xz + units;
    const int32_t *hz = hidden_6k + units, *hn = hz + units;
    const v128_t zero = wasm_i16x8_splat(0);
    int i = 0;
    for (; i + 8 <= units; i += 8) {
        v128_t r = sigmoid8(sum8(x_6k + i, hidden_6k + i)), z = sigmoid8(sum8(xz + i, hz + i));
        v128_t first = candidate(xn + i, hn + i, wasm_i32x4_extend_low_i16x8(r));
        v128_t second = candidate(xn + i + 4, hn + i + 4, wasm_i32x4_extend_high_i16x8(r));
        v128_t n = tanh8(wasm_i16x8_narrow_i32x4(first, second)), h = wasm_v128_load(h_q15 + i);
        v128_t minus_z = wasm_i16x8_neg(z);
        first = between(zip_low(n, h), zip_low(minus_z, z), zip_low(zero, n));
        second = between(zip_high(n, h), zip_high(minus_z, z), zip_high(zero, n));
        h = wasm_i16x8_narrow_i32x4(first, second);
        wasm_v128_store(h_q15 + i, h);
        put_s8(h_s8 + i, h);
    }
    for (; i < units; i++)
        h_s8[i] = to_s8(h_q15[i] = gru_unit_q15(h_q15[i], x_6k, hidden_6k, units, i));
}
#endif
