/* High-pass that follows the pitch. Bounds of the 64-bit sums: bounds() in
 * codegen/stages/highpass.py. */
#include "highpass.h"

#include <string.h>

#include "fixed.h"

/* numerator r (1, -2, 1), denominator (1, a1, a2) */
typedef struct {
    int32_t r_q30, a1_q30, a2_q30;
} coefficients;

static coefficients design(int32_t cutoff_q16)
{
    coefficients c;
    int32_t fc_q30 = (int32_t)mul_q(cutoff_q16, PERCEPNET_HIGHPASS_RADIANS_Q44, 30);
    int32_t fc2_q30 = (int32_t)mul_q(fc_q30, fc_q30, 30);
    c.r_q30 = (1 << 30) - (int32_t)mul_q(fc_q30, PERCEPNET_HIGHPASS_DAMPING_Q31, 31);
    c.a1_q30 = (int32_t)mul_q(c.r_q30, fc2_q30, 30) - 2 * c.r_q30;
    c.a2_q30 = (int32_t)mul_q(c.r_q30, c.r_q30, 30);
    return c;
}

/* The cutoff moves towards the pitch in voiced frames, faster down than up. */
static void follow(percepnet_highpass_state *st, int32_t period, int32_t correlation_q15)
{
    if (correlation_q15 <= PERCEPNET_HIGHPASS_VOICED_Q15)
        return;
    int32_t target_q16 = (int32_t)clamp(div_q(PERCEPNET_RATE, period, 16),
                                        PERCEPNET_HIGHPASS_CUTOFF_MIN_Q16,
                                        PERCEPNET_HIGHPASS_CUTOFF_MAX_Q16);
    int32_t step_q16 = target_q16 - st->cutoff_q16;
    int32_t speed_q30 = (int32_t)mul_q(
        correlation_q15, step_q16 < 0 ? PERCEPNET_HIGHPASS_DOWN_Q30 : PERCEPNET_HIGHPASS_UP_Q30, 15);
    st->cutoff_q16 += (int32_t)mul_q(step_q16, speed_q30, 30);
}

void percepnet_highpass_reset(percepnet_highpass_state *st)
{
    memset(st, 0, sizeof *st);
    st->cutoff_q16 = PERCEPNET_HIGHPASS_CUTOFF_MIN_Q16;
}

void percepnet_highpass_run(percepnet_highpass_state *st, int16_t out[PERCEPNET_HOP],
                            const int32_t hop_q8[PERCEPNET_HOP], int32_t period,
                            int32_t correlation_q15)
{
    follow(st, period, correlation_q15);
    coefficients c = design(st->cutoff_q16);
    int64_t m0 = st->m0_q43, m1 = st->m1_q43, rest = st->rest_q43;
    for (int i = 0; i < PERCEPNET_HOP; i++) {
        int64_t x_q8 = clamp(hop_q8[i], -PERCEPNET_HIGHPASS_INPUT_MAX_Q8,
                             PERCEPNET_HIGHPASS_INPUT_MAX_Q8);
        int64_t bx_q43 = c.r_q30 * x_q8 * 32;
        int64_t y_q43 = bx_q43 + m0 + rest;
        int64_t y_q13 = rshift_round(y_q43, 30);
        /* y_q43 - y_q13 * 2^30: the bits dropped now are added to the next output */
        rest = ((y_q43 + (1 << 29)) & ((1 << 30) - 1)) - (1 << 29);
        y_q13 = clamp(y_q13, -PERCEPNET_HIGHPASS_OUTPUT_MAX_Q13, PERCEPNET_HIGHPASS_OUTPUT_MAX_Q13);
        m0 = m1 - 2 * bx_q43 - c.a1_q30 * y_q13;
        m1 = bx_q43 - c.a2_q30 * y_q13;
        out[i] = sat16(rshift_round(y_q13, 13));
    }
    st->m0_q43 = m0;
    st->m1_q43 = m1;
    st->rest_q43 = rest;
}
