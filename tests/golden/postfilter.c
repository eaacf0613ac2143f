/* Envelope postfilter on band gains. */
#include "postfilter.h"

#include "fixed.h"
#include "tables.h"

/* gains bent towards 0 and 1; sums of g^2 E over the bands before and after, g^2 in Q30, E of
 * SUM_BITS bits */
static void warp(int32_t warped_q15[PERCEPNET_N_BANDS], int64_t *before, int64_t *after,
                 const int32_t gain_q15[PERCEPNET_N_BANDS],
                 const int64_t y_energy[PERCEPNET_N_BANDS])
{
    int64_t largest = 0;
    for (int b = 0; b < PERCEPNET_N_BANDS; b++)
        largest = y_energy[b] > largest ? y_energy[b] : largest;
    const int shift = PERCEPNET_SUM_BITS - bit_length((uint64_t)largest);
    *before = *after = 0;
    for (int b = 0; b < PERCEPNET_N_BANDS; b++) {
        int64_t energy = shift_round(y_energy[b], shift);
        int32_t sine_q30 = lut_lerp(percepnet_sine_q30, gain_q15[b], 15 - 8);
        warped_q15[b] = (int32_t)mul_q(gain_q15[b], sine_q30, 30);
        *before += (int64_t)gain_q15[b] * gain_q15[b] * energy;
        *after += (int64_t)warped_q15[b] * warped_q15[b] * energy;
    }
}

/* gain of all bands of a frame; no gain is larger after warping, so `after` is at most `before` */
static uint32_t frame_gain_q14(int64_t before, int64_t after, int32_t beta_permille)
{
    const int64_t beta = div_q(beta_permille, 1000, PERCEPNET_BETA_BITS);
    const int norm = 30 - bit_length((uint64_t)before);
    before = shift_round(before, norm);
    after = shift_round(after, norm);
    int64_t denominator =
        after * after + rshift_round(before * before, PERCEPNET_BETA_BITS) * beta;
    int64_t dividend =
        rshift_round(before * after, PERCEPNET_BETA_BITS) * ((1 << PERCEPNET_BETA_BITS) + beta);
    denominator = rshift_round(denominator, 32);
    return isqrt64((uint64_t)div_q(rshift_round(dividend, 32), denominator > 0 ? denominator : 1,
                                   28));
}

void percepnet_postfilter_envelope(int32_t gain_q15[PERCEPNET_N_BANDS],
                                   const int64_t y_energy[PERCEPNET_N_BANDS],
                                   int32_t beta_permille)
{
    int32_t warped_q15[PERCEPNET_N_BANDS];
    int64_t before, after;
    warp(warped_q15, &before, &after, gain_q15, y_energy);
    const int64_t frame_q14 = frame_gain_q14(before, after, beta_permille);
    for (int b = 0; b < PERCEPNET_N_BANDS; b++)
        gain_q15[b] = (int32_t)clamp(rshift_round(warped_q15[b] * frame_q14, 14), 0,
                                     PERCEPNET_BAND_GAIN_LIMIT_Q15);
}
