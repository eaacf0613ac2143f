/* Stockham FFT of 480 complex values and what makes it one of 960 real ones, four lanes; products are VQRDMULH. */
#include "kernels.h"

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>

#include "params.h"
#include "tables.h"

typedef int32x4_t lane;
enum { LANES = 4 };

static inline lane get(const int32_t *x)
{
    return vld1q_s32(x);
}

static inline void put(int32_t *y, lane a)
{
    vst1q_s32(y, a);
}

static inline lane all(int32_t a)
{
    return vdupq_n_s32(a);
}

static inline lane mul(lane a, lane b_q31)
{
    return vqrdmulhq_s32(a, b_q31);
}

static inline void put_turned4(int32_t *y, lane a, lane b, lane c, lane d)
{
    int32x4x4_t turned = { {a, b, c, d} };
    vst4q_s32(y, turned);
}

/* in the opposite order */
static inline lane turned(lane a)
{
    return (lane){a[3], a[2], a[1], a[0]};
}

typedef struct { lane re, im; } complex32;

static inline complex32 load_complex(const int32_t *re, const int32_t *im, int i)
{
    return (complex32){get(re + i), get(im + i)};
}

static inline void store_complex(int32_t *re, int32_t *im, int i, complex32 a)
{
    put(re + i, a.re);
    put(im + i, a.im);
}

static inline complex32 add(complex32 a, complex32 b)
{
    return (complex32){a.re + b.re, a.im + b.im};
}

static inline complex32 sub(complex32 a, complex32 b)
{
    return (complex32){a.re - b.re, a.im - b.im};
}

static inline complex32 minus_i(complex32 a)
{
    return (complex32){a.im, -a.re};
}

static inline complex32 scale(complex32 a, int32_t b_q31)
{
    return (complex32){mul(a.re, all(b_q31)), mul(a.im, all(b_q31))};
}

/* a (cos - i sin) */
static inline complex32 rotate(complex32 a, lane cos_q31, lane sin_q31)
{
    return (complex32){mul(a.re, cos_q31) + mul(a.im, sin_q31),
                       mul(a.im, cos_q31) - mul(a.re, sin_q31)};
}

static inline void butterfly2(complex32 y[5], const complex32 a[5])
{
    y[0] = add(a[0], a[1]);
    y[1] = sub(a[0], a[1]);
}

static inline void butterfly3(complex32 y[5], const complex32 a[5])
{
    complex32 t = add(a[1], a[2]), half = {t.re >> 1, t.im >> 1};
    complex32 m = sub(a[0], half);
    complex32 s = minus_i(scale(sub(a[1], a[2]), PERCEPNET_SIN_60_Q31));
    y[0] = add(a[0], t);
    y[1] = add(m, s);
    y[2] = sub(m, s);
}

static inline void butterfly4(complex32 y[5], const complex32 a[5])
{
    complex32 t0 = add(a[0], a[2]), t1 = sub(a[0], a[2]);
    complex32 t2 = add(a[1], a[3]), t3 = minus_i(sub(a[1], a[3]));
    y[0] = add(t0, t2);
    y[1] = add(t1, t3);
    y[2] = sub(t0, t2);
    y[3] = sub(t1, t3);
}

static inline void butterfly5(complex32 y[5], const complex32 a[5])
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
static inline complex32 load_back(const int32_t *re, const int32_t *im, int i)
{
    return (complex32){turned(get(re + i + 1 - LANES)), turned(get(im + i + 1 - LANES))};
}

static inline void store_back(int32_t *re, int32_t *im, int i, complex32 a)
{
    put(re + i + 1 - LANES, turned(a.re));
    put(im + i + 1 - LANES, turned(a.im));
}

/* (a + conj b) / 2 and (a - conj b) / 2, rounded down */
static inline void halves(complex32 *s, complex32 *d, complex32 a, complex32 b)
{
    *s = (complex32){(a.re + b.re) >> 1, (a.im - b.im) >> 1};
    *d = (complex32){(a.re - b.re) >> 1, (a.im + b.im) >> 1};
}

/* x / 2^shift: rshift_round within 32 bits */
static inline complex32 shifted(complex32 x, int shift)
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

void percepnet_fft_s32_helium(int32_t *a_re, int32_t *a_im, int32_t *b_re, int32_t *b_im)
{
    stage1(b_re, b_im, a_re, a_im);
    stage2(a_re, a_im, b_re, b_im);
    stage3(b_re, b_im, a_re, a_im);
    stage4(a_re, a_im, b_re, b_im);
    stage5(b_re, b_im, a_re, a_im);
}

void percepnet_unpack_s32_helium(int32_t *restrict low_re, int32_t *restrict low_im,
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

void percepnet_pack_s32_helium(int32_t *restrict low_re, int32_t *restrict low_im,
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
