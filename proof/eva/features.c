#include "prove.h"

#define isqrt64 some_root
#define log2_q16 some_log
#include "stage/features.c"

static void coherence(int64_t y0, int64_t y1, int64_t p0, int64_t p1, int64_t cross)
{
    int16_t q_q15 = coherence_of_band(Frama_C_long_long_interval(y0, y1),
                                      Frama_C_long_long_interval(-cross, cross),
                                      Frama_C_long_long_interval(p0, p1),
                                      Frama_C_interval(0, CENTRE_MAX_Q15));
    //@ assert 0 <= q_q15 <= 32767;
}

/* a band by the bits of the larger of its energies; |cross| is at most 4 times that one (Cauchy
 * and Schwarz, and lemma `kept_energy` where y was given fewer bits) */
void prove_coherence(void)
{
    coherence(0, 0, 0, 0, 0);
    for (int bits = 1; bits <= ENERGY_BITS_MAX; bits++) {
        const int64_t low = smallest(bits), high = largest_of(bits);
        const int64_t cross = bits < 61 ? 4 * high : ENERGY_MAX;
        coherence(low, high, 0, high, cross);
        coherence(0, high, low, high, cross);
    }
    END();
}

/* by the fractional bits of the spectrum */
void prove_features_scale(void)
{
    int16_t features_q12[PERCEPNET_N_FEATURES], coherence_q15[PERCEPNET_N_BANDS];
    int64_t energy[PERCEPNET_N_BANDS];
    ANY64(energy, 0, ENERGY_MAX);
    ANY16(coherence_q15, 0, 32767);
    for (int frac = PERCEPNET_FRAC_MIN; frac <= PERCEPNET_SILENCE_FRAC; frac++)
        percepnet_features_scale(features_q12, energy, frac, coherence_q15,
                                 Frama_C_interval(PERCEPNET_T_MIN, PERCEPNET_T_MAX),
                                 Frama_C_interval(0, 32767));
    END();
}
