/* Every integer operator: the one definition of rounding and saturation in C.
 * Same names and values as codegen/fixed.py, where domains and errors are stated.
 * C99, no float, no undefined behaviour inside the stated domains.
 * Rounding is half up; Qn means value = integer / 2^n. */
#ifndef PERCEPNET_FIXED_H
#define PERCEPNET_FIXED_H

#include <stdint.h>

/* C99 leaves >> of a negative number to the implementation: we need the arithmetic shift. */
typedef char percepnet_needs_arithmetic_shift[(INT64_C(-3) >> 1) == -2 && (-3 >> 1) == -2 ? 1 : -1];

extern const int32_t percepnet_log2_q30[];
extern const int16_t percepnet_tanh_cubics_q15[];

static inline int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

static inline int16_t sat16(int64_t x)
{
    return (int16_t)clamp(x, INT16_MIN, INT16_MAX);
}

static inline int32_t sat32(int64_t x)
{
    return (int32_t)clamp(x, INT32_MIN, INT32_MAX);
}

/* x / 2^n, rounded; |x| < 2^62, 0 <= n <= 62 */
static inline int64_t rshift_round(int64_t x, int n)
{
    return (x + ((INT64_C(1) << n) >> 1)) >> n;
}

/* x * 2^n; exact for n >= 0, rounded for n < 0 */
static inline int64_t shift_round(int64_t x, int n)
{
    return n >= 0 ? x * (INT64_C(1) << n) : rshift_round(x, -n);
}

/* SQRDMULH of 16 bits */
static inline int16_t mul_q15(int16_t a, int16_t b)
{
    return sat16(((int64_t)a * b + (1 << 14)) >> 15);
}

/* SQRDMULH of 32 bits */
static inline int32_t mul_q31(int32_t a, int32_t b)
{
    return sat32(((int64_t)a * b + (1 << 30)) >> 31);
}

/* 64-bit product, rounded right shift, no saturation; 0 <= shift <= 62 */
static inline int64_t mul_q(int32_t a, int32_t b, int shift)
{
    return rshift_round((int64_t)a * b, shift);
}

/* 0 for 0, else floor(log2 x) + 1 */
static inline int bit_length(uint64_t x)
{
#if defined(__GNUC__)
    return x ? 64 - __builtin_clzll(x) : 0;
#else
    int n = 0;
    for (int step = 32; step; step >>= 1) {
        if (x >> step) {
            x >>= step;
            n += step;
        }
    }
    return n + (int)x;
#endif
}

/* floor(sqrt(x)), exact. Of x raised to 2^62..2^64 a straight line gives 8 bits within 4.2 %, then
 * Heron's rule, which never falls below the floor, squares the error: 2^-10, 2^-21, 2^-42. */
static inline uint32_t isqrt64(uint64_t x)
{
    if (x == 0)
        return 0;
    int half = (64 - bit_length(x)) / 2;
    x <<= 2 * half;
    uint32_t root = 88 + ((uint32_t)(x >> 48) * 171 >> 16);
    root = ((root << 8) + (uint32_t)(x >> 40) / root) / 2;
    uint64_t wide = (((uint64_t)root << 16) + (x >> 16) / root) / 2;
    wide = (wide + x / wide) / 2;
    wide = wide > UINT32_MAX ? UINT32_MAX : wide;
    while (wide * wide > x)
        wide--;
    return (uint32_t)wide >> half;
}

/* num * 2^q / den, rounded; |num| * 2^q + den < 2^63, den > 0 */
static inline int64_t div_q(int64_t num, int64_t den, int q)
{
    int64_t n = num * (INT64_C(1) << q) + (den >> 1);
    return n / den - (n % den < 0);
}

/* linear interpolation at x / 2^shift, rounded; 0 <= x < (entries - 1) * 2^shift, shift <= 30 */
static inline int32_t lut_lerp(const int32_t *table, int32_t x, int shift)
{
    int64_t left = table[x >> shift], right = table[(x >> shift) + 1];
    int64_t fraction = x & ((INT32_C(1) << shift) - 1);
    return (int32_t)(left + rshift_round((right - left) * fraction, shift));
}

/* log2(x) in Q16; 0 for 0; max error 1.25 LSB */
static inline int32_t log2_q16(uint64_t x)
{
    int k = x ? bit_length(x) - 1 : 0;
    uint64_t mantissa = k > 22 ? x >> (k - 22) : (x ? x : 1) << (22 - k);
    int32_t fraction = (int32_t)(mantissa - (1u << 22));
    return k * 65536 + (int32_t)rshift_round(lut_lerp(percepnet_log2_q30, fraction, 15), 14);
}

/* tanh in Q15 from steps of 1/6000: a cubic round the nearest of 16 points; max error 2.0 LSB */
static inline int16_t tanh_q15(int32_t x_6k)
{
    int32_t size = (int32_t)clamp(x_6k < 0 ? -(int64_t)x_6k : x_6k, 0, INT16_MAX);
    int32_t point = (15 * size + (1 << 14)) >> 15;
    int16_t offset_q15 = (int16_t)(30 * size - point * 65536);
    const int16_t *coefficient = percepnet_tanh_cubics_q15 + point;
    int16_t y = coefficient[0];
    for (int i = 16; i < 64; i += 16)
        y = (int16_t)(coefficient[i] + mul_q15(y, offset_q15));
    return (int16_t)(x_6k < 0 ? -y : y);
}

/* 1 / (1 + exp(-2 h)) in Q15 from steps of 1/6000; max error 1.4 LSB */
static inline int16_t sigmoid_q15(int32_t half_6k)
{
    return (int16_t)((32769 + tanh_q15(half_6k) - (half_6k < 0)) >> 1);
}

#endif
