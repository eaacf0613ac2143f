/* tanh, sigmoid and the gates of a GRU, four at a time. The interpolation fits int32: a step of
 * the table times a fraction is at most 2130533077. */
#include "kernels.h"

#if defined(__wasm_simd128__)
#include "gates.h"
#include "simd128.h"

PERCEPNET_INLINE v128_t rounded(v128_t x, uint32_t shift)
{
    return wasm_i32x4_shr(wasm_i32x4_add(x, wasm_i32x4_splat((1 << shift) >> 1)), shift);
}

/* x, or -x where `sign` is set */
PERCEPNET_INLINE v128_t with_sign(v128_t x, v128_t sign)
{
    return wasm_i32x4_sub(wasm_v128_xor(x, sign), sign);
}

/* the table from the entry in each of two lanes: that one and the next */
PERCEPNET_INLINE v128_t pairs(int first, int second)
{
    v128_t one = wasm_v128_load64_zero(percepnet_tanh_q30 + first);
    return wasm_v128_load64_lane(percepnet_tanh_q30 + second, one, 1);
}

/* lut_lerp of |x|, at most `last`, Q30 */
PERCEPNET_INLINE v128_t size_q30(v128_t x_q12, int last, uint32_t shift)
{
    v128_t size = wasm_u32x4_min(wasm_i32x4_abs(x_q12), wasm_i32x4_splat(last));
    v128_t at = wasm_u32x4_shr(size, shift);
    v128_t fraction = wasm_v128_and(size, wasm_i32x4_splat((1 << shift) - 1));
    v128_t a = pairs(wasm_i32x4_extract_lane(at, 0), wasm_i32x4_extract_lane(at, 1));
    v128_t b = pairs(wasm_i32x4_extract_lane(at, 2), wasm_i32x4_extract_lane(at, 3));
    v128_t way = wasm_i32x4_mul(wasm_i32x4_sub(odd(a, b), even(a, b)), fraction);
    return wasm_i32x4_add(even(a, b), rounded(way, shift));
}

/* Q15 in 32 bits each */
PERCEPNET_INLINE v128_t tanh4(v128_t x_q12)
{
    v128_t size = wasm_i32x4_min(rounded(size_q30(x_q12, 32767, 6), 15), wasm_i32x4_splat(INT16_MAX));
    return with_sign(size, wasm_i32x4_shr(x_q12, 31));
}

PERCEPNET_INLINE v128_t sigmoid4(v128_t x_q12)
{
    v128_t t_q30 = with_sign(size_q30(x_q12, 65535, 7), wasm_i32x4_shr(x_q12, 31));
    /* 1 + t and the rounding may reach 2^31: without a sign */
    v128_t sum = wasm_i32x4_add(t_q30, wasm_i32x4_splat((1 << 30) + (1 << 15)));
    return wasm_i32x4_min(wasm_u32x4_shr(sum, 16), wasm_i32x4_splat(INT16_MAX));
}

PERCEPNET_INLINE void put(int16_t *out, v128_t x)
{
    wasm_v128_store64_lane(out, wasm_i16x8_narrow_i32x4(x, x), 0);
}

void percepnet_tanh_s32_simd128(int16_t *out_q15, const int32_t *pre_q12, int n)
{
    int i = 0;
    for (; i + 4 <= n; i += 4)
        put(out_q15 + i, tanh4(wasm_v128_load(pre_q12 + i)));
    for (; i < n; i++)
        out_q15[i] = tanh_q15(pre_q12[i]);
}

void percepnet_sigmoid_s32_simd128(int16_t *out_q15, const int32_t *pre_q12, int n)
{
    int i = 0;
    for (; i + 4 <= n; i += 4)
        put(out_q15 + i, sigmoid4(wasm_v128_load(pre_q12 + i)));
    for (; i < n; i++)
        out_q15[i] = sigmoid_q15(pre_q12[i]);
}

PERCEPNET_INLINE v128_t add(const int32_t *x_q12, const int32_t *hidden_q12)
{
    return wasm_i32x4_add(wasm_v128_load(x_q12), wasm_v128_load(hidden_q12));
}

void percepnet_gru_s32_simd128(int16_t *h_q15, const int32_t *x_q12, const int32_t *hidden_q12,
                               int units)
{
    const v128_t half = wasm_i64x2_splat(1 << 14);
    const int32_t *xz = x_q12 + units, *xn = xz + units;
    const int32_t *hz = hidden_q12 + units, *hn = hz + units;
    int i = 0;
    for (; i + 4 <= units; i += 4) {
        v128_t r = sigmoid4(add(x_q12 + i, hidden_q12 + i)), z = sigmoid4(add(xz + i, hz + i));
        v128_t reset = scaled(r, wasm_v128_load(hn + i), half, 15);
        v128_t n = tanh4(wasm_i32x4_add(wasm_v128_load(xn + i), reset));
        v128_t way = wasm_i32x4_mul(z, wasm_i32x4_sub(wasm_i32x4_load16x4(h_q15 + i), n));
        put(h_q15 + i, wasm_i32x4_add(n, rounded(way, 15)));
    }
    for (; i < units; i++)
        h_q15[i] = gru_unit_q15(h_q15[i], x_q12, hidden_q12, units, i);
}
#endif
