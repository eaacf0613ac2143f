/* Correlation at every lag that the pitch tracker looks at. The past that meets 8 samples at one lag
 * meets the next 8 at a lag 8 longer: such a chain of lags loads each vector once. */
#include "kernels.h"

#if defined(__ARM_NEON)
#include <arm_neon.h>
#include <string.h>

#include "params.h"

enum { CHAIN = 6, STEP = 8 * CHAIN, WHOLE = (PERCEPNET_CORRELATION_WINDOW + STEP - 1) / STEP * STEP };

/* what is read beyond the window, and met with zeros, is not beyond the newest sample */
typedef char percepnet_window_is_whole[WHOLE - PERCEPNET_CORRELATION_WINDOW <= PERCEPNET_LAG_MIN ? 1 : -1];

static inline int32x4_t products(int32x4_t acc, int16x8_t a, int16x8_t b)
{
    acc = vmlal_s16(acc, vget_low_s16(a), vget_low_s16(b));
#if defined(__aarch64__)
    return vmlal_high_s16(acc, a, b);
#else
    return vmlal_s16(acc, vget_high_s16(a), vget_high_s16(b));
#endif
}

static inline int32_t sum(int32x4_t a)
{
#if defined(__aarch64__)
    return vaddvq_s32(a);
#else
    int32x2_t half = vadd_s32(vget_low_s32(a), vget_high_s32(a));
    return vget_lane_s32(vpadd_s32(half, half), 0);
#endif
}

/* n lags, each 8 longer than the one before; newest[0] is at `past` for the first of them */
static inline __attribute__((always_inline)) void chain(int32_t *cross, const int16_t newest[WHOLE],
                                                        const int16_t *past, const int n)
{
    int32x4_t acc[CHAIN];
    int16x8_t b[CHAIN]; /* of lag j in turn i: b[(j - i) mod CHAIN] */
    for (int j = 0; j < n; j++)
        acc[j] = vdupq_n_s32(0);
    for (int j = 1; j < n; j++)
        b[j] = vld1q_s16(past - 8 * j);
    for (int at = 0; at < WHOLE; at += STEP)
        for (int i = 0; i < CHAIN; i++) {
            int16x8_t a = vld1q_s16(newest + at + 8 * i);
            b[(CHAIN - i) % CHAIN] = vld1q_s16(past + at + 8 * i);
            for (int j = 0; j < n; j++)
                acc[j] = products(acc[j], a, b[(CHAIN + j - i) % CHAIN]);
        }
    for (int j = 0; j < n; j++)
        cross[8 * j] = sum(acc[j]);
}

void percepnet_correlate_s16_neon(int32_t *cross, const int16_t *newest)
{
    int16_t whole[WHOLE] = {0};
    memcpy(whole, newest, PERCEPNET_CORRELATION_WINDOW * sizeof *newest);
    int lag = 0;
    for (; lag + STEP <= PERCEPNET_N_CORRELATIONS; lag += STEP)
        for (int i = lag; i < lag + 8; i++)
            chain(cross + i, whole, newest - PERCEPNET_LAG_MIN - i, CHAIN);
    for (; lag < PERCEPNET_N_CORRELATIONS; lag++)
        chain(cross + lag, whole, newest - PERCEPNET_LAG_MIN - lag, 1);
}
#endif
