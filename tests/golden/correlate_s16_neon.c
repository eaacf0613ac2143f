/* Correlation at every lag that the pitch tracker looks at, by three quarters of three quarters of its
 * products: halves of the window and of the lags share them as Karatsuba's rule has it. */
#include "kernels.h"

#if defined(__ARM_NEON)
#include "neon.h"
#include "params.h"

#define WINDOW PERCEPNET_CORRELATION_WINDOW
enum { TILE = 48, SQUARE = 192, EIGHTS = TILE / 8 };
#if defined(__aarch64__)
enum { HELD = EIGHTS };
#else
enum { HELD = 2 };
#endif

typedef char percepnet_window_is_a_square[WINDOW <= SQUARE ? 1 : -1];

typedef struct {
    int32x4_t low, high;
} lags8;

/* the next eight; the empty asm as in neon.h */
PERCEPNET_INLINE int16x8_t next8(const int16_t **b)
{
    int16x8_t x = vld1q_s16(*b);
    *b += 8;
    __asm__("" : "+r"(*b));
    return x;
}

/* acc + x times number 0 of a */
PERCEPNET_INLINE lags8 product0(lags8 acc, int16x8_t x, int16x8_t a)
{
    acc.low = vmlal_lane_s16(acc.low, vget_low_s16(x), vget_low_s16(a), 0);
#if defined(__aarch64__)
    acc.high = vmlal_high_lane_s16(acc.high, x, vget_low_s16(a), 0);
#else
    acc.high = vmlal_lane_s16(acc.high, vget_high_s16(x), vget_low_s16(a), 0);
#endif
    return acc;
}

/* sums of HELD times eight lags += number 0 of every eight taps times what is `b` further back */
PERCEPNET_INLINE void tap0(lags8 acc[HELD], const int16x8_t taps[EIGHTS], const int16_t *b)
{
    int16x8_t x[EIGHTS + HELD - 1];
    for (int k = 0; k < HELD - 1; k++)
        x[k] = next8(&b);
    for (int i = 0; i < EIGHTS; i++) {
        x[i + HELD - 1] = next8(&b);
        for (int k = 0; k < HELD; k++)
            acc[k] = product0(acc[k], x[i + k], taps[i]);
    }
}

/* acc + x times number 1 of a */
PERCEPNET_INLINE lags8 product1(lags8 acc, int16x8_t x, int16x8_t a)
{
    acc.low = vmlal_lane_s16(acc.low, vget_low_s16(x), vget_low_s16(a), 1);
#if defined(__aarch64__)
    acc.high = vmlal_high_lane_s16(acc.high, x, vget_low_s16(a), 1);
#else
    acc.high = vmlal_lane_s16(acc.high, vget_high_s16(x), vget_low_s16(a), 1);
#endif
    return acc;
}

/* sums of HELD times eight lags += number 1 of every eight taps times what is `b` further back */
PERCEPNET_INLINE void tap1(lags8 acc[HELD], const int16x8_t taps[EIGHTS], const int16_t *b)
{
    int16x8_t x[EIGHTS + HELD - 1];
    for (int k = 0; k < HELD - 1; k++)
        x[k] = next8(&b);
    for (int i = 0; i < EIGHTS; i++) {
        x[i + HELD - 1] = next8(&b);
        for (int k = 0; k < HELD; k++)
            acc[k] = product1(acc[k], x[i + k], taps[i]);
    }
}

/* acc + x times number 2 of a */
PERCEPNET_INLINE lags8 product2(lags8 acc, int16x8_t x, int16x8_t a)
{
    acc.low = vmlal_lane_s16(acc.low, vget_low_s16(x), vget_low_s16(a), 2);
#if defined(__aarch64__)
    acc.high = vmlal_high_lane_s16(acc.high, x, vget_low_s16(a), 2);
#else
    acc.high = vmlal_lane_s16(acc.high, vget_high_s16(x), vget_low_s16(a), 2);
#endif
    return acc;
}

/* sums of HELD times eight lags += number 2 of every eight taps times what is `b` further back */
PERCEPNET_INLINE void tap2(lags8 acc[HELD], const int16x8_t taps[EIGHTS], const int16_t *b)
{
    int16x8_t x[EIGHTS + HELD - 1];
    for (int k = 0; k < HELD - 1; k++)
        x[k] = next8(&b);
    for (int i = 0; i < EIGHTS; i++) {
        x[i + HELD - 1] = next8(&b);
        for (int k = 0; k < HELD; k++)
            acc[k] = product2(acc[k], x[i + k], taps[i]);
    }
}

/* acc + x times number 3 of a */
PERCEPNET_INLINE lags8 product3(lags8 acc, int16x8_t x, int16x8_t a)
{
    acc.low = vmlal_lane_s16(acc.low, vget_low_s16(x), vget_low_s16(a), 3);
#if defined(__aarch64__)
    acc.high = vmlal_high_lane_s16(acc.high, x, vget_low_s16(a), 3);
#else
    acc.high = vmlal_lane_s16(acc.high, vget_high_s16(x), vget_low_s16(a), 3);
#endif
    return acc;
}

/* sums of HELD times eight lags += number 3 of every eight taps times what is `b` further back */
PERCEPNET_INLINE void tap3(lags8 acc[HELD], const int16x8_t taps[EIGHTS], const int16_t *b)
{
    int16x8_t x[EIGHTS + HELD - 1];
    for (int k = 0; k < HELD - 1; k++)
        x[k] = next8(&b);
    for (int i = 0; i < EIGHTS; i++) {
        x[i + HELD - 1] = next8(&b);
        for (int k = 0; k < HELD; k++)
            acc[k] = product3(acc[k], x[i + k], taps[i]);
    }
}

/* acc + x times number 4 of a */
PERCEPNET_INLINE lags8 product4(lags8 acc, int16x8_t x, int16x8_t a)
{
    acc.low = vmlal_lane_s16(acc.low, vget_low_s16(x), vget_high_s16(a), 0);
#if defined(__aarch64__)
    acc.high = vmlal_high_lane_s16(acc.high, x, vget_high_s16(a), 0);
#else
    acc.high = vmlal_lane_s16(acc.high, vget_high_s16(x), vget_high_s16(a), 0);
#endif
    return acc;
}

/* sums of HELD times eight lags += number 4 of every eight taps times what is `b` further back */
PERCEPNET_INLINE void tap4(lags8 acc[HELD], const int16x8_t taps[EIGHTS], const int16_t *b)
{
    int16x8_t x[EIGHTS + HELD - 1];
    for (int k = 0; k < HELD - 1; k++)
        x[k] = next8(&b);
    for (int i = 0; i < EIGHTS; i++) {
        x[i + HELD - 1] = next8(&b);
        for (int k = 0; k < HELD; k++)
            acc[k] = product4(acc[k], x[i + k], taps[i]);
    }
}

/* acc + x times number 5 of a */
PERCEPNET_INLINE lags8 product5(lags8 acc, int16x8_t x, int16x8_t a)
{
    acc.low = vmlal_lane_s16(acc.low, vget_low_s16(x), vget_high_s16(a), 1);
#if defined(__aarch64__)
    acc.high = vmlal_high_lane_s16(acc.high, x, vget_high_s16(a), 1);
#else
    acc.high = vmlal_lane_s16(acc.high, vget_high_s16(x), vget_high_s16(a), 1);
#endif
    return acc;
}

/* sums of HELD times eight lags += number 5 of every eight taps times what is `b` further back */
PERCEPNET_INLINE void tap5(lags8 acc[HELD], const int16x8_t taps[EIGHTS], const int16_t *b)
{
    int16x8_t x[EIGHTS + HELD - 1];
    for (int k = 0; k < HELD - 1; k++)
        x[k] = next8(&b);
    for (int i = 0; i < EIGHTS; i++) {
        x[i + HELD - 1] = next8(&b);
        for (int k = 0; k < HELD; k++)
            acc[k] = product5(acc[k], x[i + k], taps[i]);
    }
}

/* acc + x times number 6 of a */
PERCEPNET_INLINE lags8 product6(lags8 acc, int16x8_t x, int16x8_t a)
{
    acc.low = vmlal_lane_s16(acc.low, vget_low_s16(x), vget_high_s16(a), 2);
#if defined(__aarch64__)
    acc.high = vmlal_high_lane_s16(acc.high, x, vget_high_s16(a), 2);
#else
    acc.high = vmlal_lane_s16(acc.high, vget_high_s16(x), vget_high_s16(a), 2);
#endif
    return acc;
}

/* sums of HELD times eight lags += number 6 of every eight taps times what is `b` further back */
PERCEPNET_INLINE void tap6(lags8 acc[HELD], const int16x8_t taps[EIGHTS], const int16_t *b)
{
    int16x8_t x[EIGHTS + HELD - 1];
    for (int k = 0; k < HELD - 1; k++)
        x[k] = next8(&b);
    for (int i = 0; i < EIGHTS; i++) {
        x[i + HELD - 1] = next8(&b);
        for (int k = 0; k < HELD; k++)
            acc[k] = product6(acc[k], x[i + k], taps[i]);
    }
}

/* acc + x times number 7 of a */
PERCEPNET_INLINE lags8 product7(lags8 acc, int16x8_t x, int16x8_t a)
{
    acc.low = vmlal_lane_s16(acc.low, vget_low_s16(x), vget_high_s16(a), 3);
#if defined(__aarch64__)
    acc.high = vmlal_high_lane_s16(acc.high, x, vget_high_s16(a), 3);
#else
    acc.high = vmlal_lane_s16(acc.high, vget_high_s16(x), vget_high_s16(a), 3);
#endif
    return acc;
}

/* sums of HELD times eight lags += number 7 of every eight taps times what is `b` further back */
PERCEPNET_INLINE void tap7(lags8 acc[HELD], const int16x8_t taps[EIGHTS], const int16_t *b)
{
    int16x8_t x[EIGHTS + HELD - 1];
    for (int k = 0; k < HELD - 1; k++)
        x[k] = next8(&b);
    for (int i = 0; i < EIGHTS; i++) {
        x[i + HELD - 1] = next8(&b);
        for (int k = 0; k < HELD; k++)
            acc[k] = product7(acc[k], x[i + k], taps[i]);
    }
}

/* out[t] = sum of a[i] b[t + i] over i; t, i in 0..TILE - 1 */
static void product48(uint32_t *out, const int16_t *a, const int16_t *b)
{
    int16x8_t taps[EIGHTS];
    for (int i = 0; i < EIGHTS; i++)
        taps[i] = vld1q_s16(a + 8 * i);
    for (int t = 0; t < TILE; t += 8 * HELD) {
        lags8 acc[HELD];
        for (int k = 0; k < HELD; k++)
            acc[k] = (lags8){vdupq_n_s32(0), vdupq_n_s32(0)};
        tap0(acc, taps, b + t + 0);
        tap1(acc, taps, b + t + 1);
        tap2(acc, taps, b + t + 2);
        tap3(acc, taps, b + t + 3);
        tap4(acc, taps, b + t + 4);
        tap5(acc, taps, b + t + 5);
        tap6(acc, taps, b + t + 6);
        tap7(acc, taps, b + t + 7);
        for (int k = 0; k < HELD; k++) {
            vst1q_u32(out + t + 8 * k, vreinterpretq_u32_s32(acc[k].low));
            vst1q_u32(out + t + 8 * k + 4, vreinterpretq_u32_s32(acc[k].high));
        }
    }
}

/* the same of 96. Matrices of b[t + i]: in the middle, at both ends less the middle one; sums of 32
 * bits may go round, their sum fits */
static void product96(uint32_t *out, const int16_t *a, const int16_t *b)
{
    enum { HALF = 48 };
    int16_t sums[HALF], differences[2 * HALF];
    uint32_t shared[HALF];
    for (int i = 0; i < HALF; i++)
        sums[i] = (int16_t)(a[i] + a[i + HALF]);
    product48(shared, sums, b + HALF);
    for (int i = 0; i < 2 * HALF; i++)
        differences[i] = (int16_t)(b[i] - b[i + HALF]);
    product48(out, a, differences);
    for (int i = 0; i < 2 * HALF; i++)
        differences[i] = (int16_t)(b[i + 2 * HALF] - b[i + HALF]);
    product48(out + HALF, a + HALF, differences);
    for (int i = 0; i < HALF; i++) {
        out[i] += shared[i];
        out[i + HALF] += shared[i];
    }
}

/* the same of 192. Matrices of b[t + i]: in the middle, at both ends less the middle one; sums of 32
 * bits may go round, their sum fits */
static void product192(uint32_t *out, const int16_t *a, const int16_t *b)
{
    enum { HALF = 96 };
    int16_t sums[HALF], differences[2 * HALF];
    uint32_t shared[HALF];
    for (int i = 0; i < HALF; i++)
        sums[i] = (int16_t)(a[i] + a[i + HALF]);
    product96(shared, sums, b + HALF);
    for (int i = 0; i < 2 * HALF; i++)
        differences[i] = (int16_t)(b[i] - b[i + HALF]);
    product96(out, a, differences);
    for (int i = 0; i < 2 * HALF; i++)
        differences[i] = (int16_t)(b[i + 2 * HALF] - b[i + HALF]);
    product96(out + HALF, a + HALF, differences);
    for (int i = 0; i < HALF; i++) {
        out[i] += shared[i];
        out[i + HALF] += shared[i];
    }
}

void percepnet_correlate_s16_neon(int32_t *cross, const int16_t *newest)
{
    /* newest first; zeros fill the window up and meet what is behind the oldest */
    int16_t window[SQUARE] = {0}, past[PERCEPNET_N_CORRELATIONS + SQUARE] = {0};
    for (int i = 0; i < WINDOW; i++)
        window[i] = newest[WINDOW - 1 - i];
    for (int i = 0; i < PERCEPNET_N_CORRELATIONS + WINDOW - 1; i++)
        past[i] = newest[WINDOW - 1 - PERCEPNET_LAG_MIN - i];
    int lag = 0;
    for (; lag + SQUARE <= PERCEPNET_N_CORRELATIONS; lag += SQUARE)
        product192((uint32_t *)cross + lag, window, past + lag);
    for (; lag < PERCEPNET_N_CORRELATIONS; lag++) {
        cross[lag] = 0;
        for (int i = 0; i < WINDOW; i++)
            cross[lag] += window[i] * past[lag + i];
    }
}
#endif
