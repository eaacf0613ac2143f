/* Stockham FFT of 480 complex values and what makes it one of 960 real ones, four lanes. */
#include "kernels.h"

#if defined(__wasm_simd128__)
#include "params.h"
#include "simd128.h"
#include "tables.h"

typedef int32_t lane __attribute__((vector_size(16)));
enum { LANES = 4 };

PERCEPNET_INLINE lane get(const int32_t *x)
{
    return (lane)wasm_v128_load(x);
}

PERCEPNET_INLINE void put(int32_t *y, lane a)
{
    wasm_v128_store(y, (v128_t)a);
}

PERCEPNET_INLINE lane all(int32_t a)
{
    return (lane)wasm_i32x4_splat(a);
}

/* Twiddles are never -1: the rounded product needs no saturation and equals SQRDMULH. */
PERCEPNET_INLINE lane mul(lane a, lane b_q31)
{
    return (lane)scaled((v128_t)a, (v128_t)b_q31, wasm_i64x2_splat(1 << 30), 31);
}

PERCEPNET_INLINE void put_turned4(int32_t *y, lane a, lane b, lane c, lane d)
{
    v128_t ab_low = wasm_i32x4_shuffle((v128_t)a, (v128_t)b, 0, 4, 1, 5);
    v128_t cd_low = wasm_i32x4_shuffle((v128_t)c, (v128_t)d, 0, 4, 1, 5);
    v128_t ab_high = wasm_i32x4_shuffle((v128_t)a, (v128_t)b, 2, 6, 3, 7);
    v128_t cd_high = wasm_i32x4_shuffle((v128_t)c, (v128_t)d, 2, 6, 3, 7);
    wasm_v128_store(y, wasm_i64x2_shuffle(ab_low, cd_low, 0, 2));
    wasm_v128_store(y + 4, wasm_i64x2_shuffle(ab_low, cd_low, 1, 3));
    wasm_v128_store(y + 8, wasm_i64x2_shuffle(ab_high, cd_high, 0, 2));
    wasm_v128_store(y + 12, wasm_i64x2_shuffle(ab_high, cd_high, 1, 3));
}

/* in the opposite order */
PERCEPNET_INLINE lane turned(lane a)
{
    return (lane)wasm_i32x4_shuffle((v128_t)a, (v128_t)a, 3, 2, 1, 0);
}

typedef struct { lane re, im; } complex32;

PERCEPNET_INLINE complex32 load_complex(const int32_t *re, const int32_t *im, int i)
{
    return (complex32){get(re + i), get(im + i)};
}

PERCEPNET_INLINE void store_complex(int32_t *re, int32_t *im, int i, complex32 a)
{
    put(re + i, a.re);
    put(im + i, a.im);
}

PERCEPNET_INLINE complex32 add(complex32 a, complex32 b)
{
    return (complex32){a.re + b.re, a.im + b.im};
}

PERCEPNET_INLINE complex32 sub(complex32 a, complex32 b)
{
    return (complex32){a.re - b.re, a.im - b.im};
}

PERCEPNET_INLINE complex32 minus_i(complex32 a)
{
    return (complex32){a.im, -a.re};
}

PERCEPNET_INLINE complex32 scale(complex32 a, int32_t b_q31)
{
    return (complex32){mul(a.re, all(b_q31)), mul(a.im, all(b_q31))};
}

/* a (cos - i sin) */
PERCEPNET_INLINE complex32 rotate(complex32 a, lane cos_q31, lane sin_q31)
{
    return (complex32){mul(a.re, cos_q31) + mul(a.im, sin_q31),
                       mul(a.im, cos_q31) - mul(a.re, sin_q31)};
}

PERCEPNET_INLINE void butterfly2(complex32 y[5], const complex32 a[5])
{
    y[0] = add(a[0], a[1]);
    y[1] = sub(a[0], a[1]);
}

PERCEPNET_INLINE void butterfly3(complex32 y[5], const complex32 a[5])
{
    complex32 t = add(a[1], a[2]), half = {t.re >> 1, t.im >> 1};
    complex32 m = sub(a[0], half);
    complex32 s = minus_i(scale(sub(a[1], a[2]), PERCEPNET_SIN_60_Q31));
    y[0] = add(a[0], t);
    y[1] = add(m, s);
    y[2] = sub(m, s);
}

PERCEPNET_INLINE void butterfly4(complex32 y[5], const complex32 a[5])
{
    complex32 t0 = add(a[0], a[2]), t1 = sub(a[0], a[2]);
    complex32 t2 = add(a[1], a[3]), t3 = minus_i(sub(a[1], a[3]));
    y[0] = add(t0, t2);
    y[1] = add(t1, t3);
    y[2] = sub(t0, t2);
    y[3] = sub(t1, t3);
}

PERCEPNET_INLINE void butterfly5(complex32 y[5], const complex32 a[5])
{
    complex32 t1 = add(a[1], a[4]), t2 = add(a[2], a[3]);
    complex32 t3 = sub(a[1], a[4]), t4 = sub(a[2], a[3]);
    complex32 m1 = add(add(a[0], scale(t1, PERCEPNET_COS_72_Q31)), scale(t2, PERCEPNET_COS_144_Q31));
    complex32 m2 = add(add(a[0], scale(t1, PERCEPNET_COS_144_Q31)), scale(t2, PERCEPNET_COS_72_Q31));
    complex32 s1 = minus_i(add(scale(t3, PERCEPNET_SIN_72_Q31), scale(t4, PERCEPNET_SIN_144_Q31)));
    complex32 s2 = minus_i(sub(scale(t3, PERCEPNET_SIN_144_Q31), scale(t4, PERCEPNET_SIN_72_Q31)));
    y[0] = add(add(a[0], t1), t2);
    y[1] = add(m1, s1);
    y[2] = add(m2, s2);
    y[3] = sub(m2, s2);
    y[4] = sub(m1, s1);
}

/* 120 blocks, stride 1 */
static void stage1(int32_t *restrict y_re, int32_t *restrict y_im,
                   const int32_t *restrict x_re, const int32_t *restrict x_im)
{
    const int32_t *cos_q31 = percepnet_fft_cos_q31 + 0;
    const int32_t *sin_q31 = percepnet_fft_sin_q31 + 0;
    for (int p = 0; p < 120; p += LANES) {
        complex32 a[5], y[5];
        for (int j = 0; j < 4; j++)
            a[j] = load_complex(x_re, x_im, p + 120 * j);
        butterfly4(y, a);
        for (int j = 1; j < 4; j++)
            y[j] = rotate(y[j], get(cos_q31 + 120 * (j - 1) + p), get(sin_q31 + 120 * (j - 1) + p));
        put_turned4(y_re + 4 * p, y[0].re, y[1].re, y[2].re, y[3].re);
        put_turned4(y_im + 4 * p, y[0].im, y[1].im, y[2].im, y[3].im);
    }
}

/* 30 blocks, stride 4 */
static void stage2(int32_t *restrict y_re, int32_t *restrict y_im,
                   const int32_t *restrict x_re, const int32_t *restrict x_im)
{
    const int32_t *cos_q31 = percepnet_fft_cos_q31 + 360;
    const int32_t *sin_q31 = percepnet_fft_sin_q31 + 360;
    for (int p = 0; p < 30; p++) {
        for (int q = 0; q < 4; q += LANES) {
            complex32 a[5], y[5];
            for (int j = 0; j < 4; j++)
                a[j] = load_complex(x_re, x_im, q + 4 * (p + 30 * j));
            butterfly4(y, a);
            for (int j = 1; j < 4; j++)
                y[j] = rotate(y[j], all(cos_q31[30 * (j - 1) + p]), all(sin_q31[30 * (j - 1) + p]));
            for (int j = 0; j < 4; j++)
                store_complex(y_re, y_im, q + 4 * (4 * p + j), y[j]);
        }
    }
}

/* 15 blocks, stride 16 */
static void stage3(int32_t *restrict y_re, int32_t *restrict y_im,
                   const int32_t *restrict x_re, const int32_t *restrict x_im)
{
    const int32_t *cos_q31 = percepnet_fft_cos_q31 + 450;
    const int32_t *sin_q31 = percepnet_fft_sin_q31 + 450;
    for (int p = 0; p < 15; p++) {
        for (int q = 0; q < 16; q += LANES) {
            complex32 a[5], y[5];
            for (int j = 0; j < 2; j++)
                a[j] = load_complex(x_re, x_im, q + 16 * (p + 15 * j));
            butterfly2(y, a);
            for (int j = 1; j < 2; j++)
                y[j] = rotate(y[j], all(cos_q31[15 * (j - 1) + p]), all(sin_q31[15 * (j - 1) + p]));
            for (int j = 0; j < 2; j++)
                store_complex(y_re, y_im, q + 16 * (2 * p + j), y[j]);
        }
    }
}

/* 5 blocks, stride 32 */
static void stage4(int32_t *restrict y_re, int32_t *restrict y_im,
                   const int32_t *restrict x_re, const int32_t *restrict x_im)
{
    const int32_t *cos_q31 = percepnet_fft_cos_q31 + 465;
    const int32_t *sin_q31 = percepnet_fft_sin_q31 + 465;
    for (int p = 0; p < 5; p++) {
        for (int q = 0; q < 32; q += LANES) {
            complex32 a[5], y[5];
            for (int j = 0; j < 3; j++)
                a[j] = load_complex(x_re, x_im, q + 32 * (p + 5 * j));
            butterfly3(y, a);
            for (int j = 1; j < 3; j++)
                y[j] = rotate(y[j], all(cos_q31[5 * (j - 1) + p]), all(sin_q31[5 * (j - 1) + p]));
            for (int j = 0; j < 3; j++)
                store_complex(y_re, y_im, q + 32 * (3 * p + j), y[j]);
        }
    }
}

/* 1 blocks, stride 96 */
static void stage5(int32_t *restrict y_re, int32_t *restrict y_im,
                   const int32_t *restrict x_re, const int32_t *restrict x_im)
{
    for (int p = 0; p < 1; p++) {
        for (int q = 0; q < 96; q += LANES) {
            complex32 a[5], y[5];
            for (int j = 0; j < 5; j++)
                a[j] = load_complex(x_re, x_im, q + 96 * (p + 1 * j));
            butterfly5(y, a);
            for (int j = 0; j < 5; j++)
                store_complex(y_re, y_im, q + 96 * (5 * p + j), y[j]);
        }
    }
}

/* values i, i - 1 ... */
PERCEPNET_INLINE complex32 load_back(const int32_t *re, const int32_t *im, int i)
{
    return (complex32){turned(get(re + i + 1 - LANES)), turned(get(im + i + 1 - LANES))};
}

PERCEPNET_INLINE void store_back(int32_t *re, int32_t *im, int i, complex32 a)
{
    put(re + i + 1 - LANES, turned(a.re));
    put(im + i + 1 - LANES, turned(a.im));
}

/* (a + conj b) / 2 and (a - conj b) / 2, rounded down */
PERCEPNET_INLINE void halves(complex32 *s, complex32 *d, complex32 a, complex32 b)
{
    *s = (complex32){(a.re + b.re) >> 1, (a.im - b.im) >> 1};
    *d = (complex32){(a.re - b.re) >> 1, (a.im + b.im) >> 1};
}

/* x / 2^shift: rshift_round within 32 bits */
PERCEPNET_INLINE complex32 shifted(complex32 x, int shift)
{
    if (shift == 0)
        return x;
    return (complex32){(x.re >> shift) + ((x.re >> (shift - 1)) & 1),
                       (x.im >> shift) + ((x.im >> (shift - 1)) & 1)};
}

enum { HALF = PERCEPNET_HOP / 2 };

/* the first of the next values; the last ones are done once more, so that there is no tail */
static inline int place(int k)
{
    return k + LANES <= HALF ? k : HALF - LANES;
}

void percepnet_fft_s32_simd128(int32_t *a_re, int32_t *a_im, int32_t *b_re, int32_t *b_im)
{
    stage1(b_re, b_im, a_re, a_im);
    stage2(a_re, a_im, b_re, b_im);
    stage3(b_re, b_im, a_re, a_im);
    stage4(a_re, a_im, b_re, b_im);
    stage5(b_re, b_im, a_re, a_im);
}

void percepnet_unpack_s32_simd128(int32_t *restrict low_re, int32_t *restrict low_im,
                                  int32_t *restrict high_re, int32_t *restrict high_im,
                                  const int32_t *restrict z_re, const int32_t *restrict z_im)
{
    for (int next = 1; next < HALF; next += LANES) {
        const int k = place(next);
        complex32 s, d;
        halves(&s, &d, load_complex(z_re, z_im, k), load_back(z_re, z_im, PERCEPNET_HOP - k));
        complex32 t = rotate(d, get(percepnet_unpack_cos_q31 + k), get(percepnet_unpack_sin_q31 + k));
        store_complex(low_re, low_im, k, (complex32){s.re + t.im, s.im - t.re});
        store_back(high_re, high_im, HALF - 1 - k, (complex32){s.re - t.im, -s.im - t.re});
    }
}

void percepnet_pack_s32_simd128(int32_t *restrict low_re, int32_t *restrict low_im,
                                int32_t *restrict high_re, int32_t *restrict high_im,
                                const int32_t *restrict x_re, const int32_t *restrict x_im, int shift)
{
    for (int next = 1; next < HALF; next += LANES) {
        const int k = place(next);
        complex32 s, d, a = shifted(load_complex(x_re, x_im, k), shift);
        halves(&s, &d, a, shifted(load_back(x_re, x_im, PERCEPNET_HOP - k), shift));
        complex32 o = rotate(d, get(percepnet_unpack_cos_q31 + k), -get(percepnet_unpack_sin_q31 + k));
        store_complex(low_re, low_im, k, (complex32){s.re - o.im, s.im + o.re});
        store_back(high_re, high_im, HALF - 1 - k, (complex32){s.re + o.im, o.re - s.im});
    }
}
#endif
