#include "prove.h"

#define isqrt64 some_root
#include "stage/erb.c"
#include "stage/gains.c"

static percepnet_spectrum y, p, z, enhanced;

static void any_spectrum(percepnet_spectrum *x)
{
    ANY32(x->re, -SPECTRUM_MAX - 1, SPECTRUM_MAX + 1);
    ANY32(x->im, -SPECTRUM_MAX - 1, SPECTRUM_MAX + 1);
    x->frac = Frama_C_interval(PERCEPNET_FRAC_MIN, PERCEPNET_SILENCE_FRAC);
}

/* y + r (p - y) for strengths of Q15; that z stays between y and p is lemma `between` */
void prove_mix(void)
{
    int16_t strength_q15[PERCEPNET_N_BANDS];
    any_spectrum(&y);
    any_spectrum(&p);
    ANY16(strength_q15, 0, INT16_MAX);
    percepnet_gains_mix(&z, &y, &p, strength_q15);
    END();
}

/* |y| / |z| by the bits of y */
void prove_ratio(void)
{
    for (int bits = 0; bits <= ENERGY_BITS_MAX; bits++) {
        int64_t high = largest_of(bits) < ENERGY_MAX ? largest_of(bits) : ENERGY_MAX;
        ratio_of_band_q14(Frama_C_long_long_interval(smallest(bits), high),
                          Frama_C_long_long_interval(0, ENERGY_MAX));
    }
    END();
}

/* factors of all bands; y of up to 34 bits, whatever lies above is prove_ratio's */
void prove_scale(void)
{
    int16_t scale_q13[PERCEPNET_N_BANDS];
    int64_t y_energy[PERCEPNET_N_BANDS], z_energy[PERCEPNET_N_BANDS];
    int32_t gain_q15[PERCEPNET_N_BANDS];
    ANY32(gain_q15, 0, PERCEPNET_BAND_GAIN_LIMIT_Q15);
    ANY64(z_energy, 0, ENERGY_MAX);
    ANY64(y_energy, 0, largest_of(PERCEPNET_DIVIDEND_BITS));
    percepnet_gains_scale(scale_q13, z_energy, y_energy, gain_q15);
    EACH(b, PERCEPNET_N_BANDS) {
        //@ assert 0 <= scale_q13[b] <= 32767;
    }
    END();
}

/* z times factors of Q13 */
void prove_apply(void)
{
    int16_t scale_q13[PERCEPNET_N_BANDS];
    any_spectrum(&z);
    ANY16(scale_q13, 0, INT16_MAX);
    percepnet_gains_apply(&enhanced, &z, scale_q13);
    END();
}
