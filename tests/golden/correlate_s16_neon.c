/* Correlation at every lag that the pitch tracker looks at, four lags at a time. */
#include "kernels.h"

#if defined(__ARM_NEON)
#include <arm_neon.h>

#include "params.h"

static inline int32x4_t products(int32x4_t acc, int16x8_t a, int16x8_t b)
{
    acc = vmlal_s16(acc, vget_low_s16(a), vget_low_s16(b));
#if defined(__aarch64__)
    return vmlal_high_s16(acc, a, b);
#else
    return vmlal_s16(acc, vget_high_s16(a), vget_high_s16(b));
#endif
}

static inline int32x2_t sum(int32x4_t a)
{
    return vpadd_s32(vget_low_s32(a), vget_high_s32(a));
}

/* lags `lag`..`lag` + 3, newest[0] at `past` for the first of them */
static inline int32x4_t four(const int16_t *newest, const int16_t *past)
{
    int32x4_t acc0 = vdupq_n_s32(0), acc1 = acc0, acc2 = acc0, acc3 = acc0;
    const int whole = PERCEPNET_CORRELATION_WINDOW / 8 * 8;
    for (int i = 0; i < whole; i += 8) {
        int16x8_t a = vld1q_s16(newest + i);
        acc0 = products(acc0, a, vld1q_s16(past + i));
        acc1 = products(acc1, a, vld1q_s16(past + i - 1));
        acc2 = products(acc2, a, vld1q_s16(past + i - 2));
        acc3 = products(acc3, a, vld1q_s16(past + i - 3));
    }
#if PERCEPNET_CORRELATION_WINDOW % 8 == 4
    int16x4_t rest = vld1_s16(newest + whole);
    acc0 = vmlal_s16(acc0, rest, vld1_s16(past + whole));
    acc1 = vmlal_s16(acc1, rest, vld1_s16(past + whole - 1));
    acc2 = vmlal_s16(acc2, rest, vld1_s16(past + whole - 2));
    acc3 = vmlal_s16(acc3, rest, vld1_s16(past + whole - 3));
#endif
    return vcombine_s32(vpadd_s32(sum(acc0), sum(acc1)), vpadd_s32(sum(acc2), sum(acc3)));
}

typedef char percepnet_window_is_whole_quads[PERCEPNET_CORRELATION_WINDOW % 4 == 0 ? 1 : -1];

void percepnet_correlate_s16_neon(int32_t *cross, const int16_t *newest)
{
    const int16_t *past = newest - PERCEPNET_LAG_MIN;
    for (int lag = 0; lag + 4 <= PERCEPNET_N_CORRELATIONS; lag += 4)
        vst1q_s32(cross + lag, four(newest, past - lag));
    /* the last ones once more, so that there is no tail */
    vst1q_s32(cross + PERCEPNET_N_CORRELATIONS - 4, four(newest, past - (PERCEPNET_N_CORRELATIONS - 4)));
}
#endif
