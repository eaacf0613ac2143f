/* From gains and strengths to a spectrum: mix with the comb, scale the bands back. */
#include "gains.h"

#include <string.h>

#include "erb.h"
#include "fixed.h"

static void silence_above_active(percepnet_spectrum *x)
{
    const size_t bytes = sizeof(int32_t) * (PERCEPNET_N_BINS - PERCEPNET_ACTIVE_BINS);
    memset(x->re + PERCEPNET_ACTIVE_BINS, 0, bytes);
    memset(x->im + PERCEPNET_ACTIVE_BINS, 0, bytes);
}

void percepnet_gains_mix(percepnet_spectrum *z, const percepnet_spectrum *y,
                         const percepnet_spectrum *p,
                         const int16_t strength_q15[PERCEPNET_N_BANDS])
{
    int16_t r_q15[PERCEPNET_ACTIVE_BINS];
    percepnet_erb_interpolate(r_q15, strength_q15);
    for (int j = 0; j < PERCEPNET_ACTIVE_BINS; j++) {
        int32_t r_q31 = r_q15[j] * 65536;
        z->re[j] = y->re[j] + mul_q31(p->re[j] - y->re[j], r_q31);
        z->im[j] = y->im[j] + mul_q31(p->im[j] - y->im[j], r_q31);
    }
    silence_above_active(z);
    z->frac = y->frac;
}

/* |y| / |z| of a band, at most 2; 1 where z is silent */
static int64_t ratio_of_band_q14(int64_t y_energy, int64_t z_energy)
{
    if (z_energy <= 0)
        return 1 << PERCEPNET_RATIO_BITS;
    int drop = bit_length((uint64_t)y_energy) - PERCEPNET_DIVIDEND_BITS;
    drop = drop > 0 ? drop : 0;
    int64_t y = y_energy >> drop, z = z_energy >> drop;
    if (y >= 4 * z)
        return 2 << PERCEPNET_RATIO_BITS;
    return isqrt64((uint64_t)div_q(y, z, 2 * PERCEPNET_RATIO_BITS));
}

void percepnet_gains_scale(int16_t scale_q13[PERCEPNET_N_BANDS],
                           const int64_t z_energy[PERCEPNET_N_BANDS],
                           const int64_t y_energy[PERCEPNET_N_BANDS],
                           const int32_t gain_q15[PERCEPNET_N_BANDS])
{
    for (int b = 0; b < PERCEPNET_N_BANDS; b++) {
        int64_t scale = rshift_round(gain_q15[b] * ratio_of_band_q14(y_energy[b], z_energy[b]),
                                     PERCEPNET_RATIO_BITS + 15 - PERCEPNET_SCALE_BITS);
        scale_q13[b] = (int16_t)clamp(scale, 0, INT16_MAX);
    }
}

void percepnet_gains_apply(percepnet_spectrum *enhanced, const percepnet_spectrum *z,
                           const int16_t scale_q13[PERCEPNET_N_BANDS])
{
    int16_t factor_q13[PERCEPNET_ACTIVE_BINS];
    percepnet_erb_interpolate(factor_q13, scale_q13);
    for (int j = 0; j < PERCEPNET_ACTIVE_BINS; j++) {
        int32_t factor_q29 = factor_q13[j] * 65536;
        enhanced->re[j] = mul_q31(z->re[j], factor_q29);
        enhanced->im[j] = mul_q31(z->im[j], factor_q29);
    }
    silence_above_active(enhanced);
    enhanced->frac = z->frac - PERCEPNET_ENHANCED_SHIFT;
}
