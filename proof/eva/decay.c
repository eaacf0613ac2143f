#include "prove.h"

#define isqrt64 some_root
#include "stage/decay.c"

static int32_t gain_q15[PERCEPNET_N_BANDS];
static int64_t energy[PERCEPNET_N_BANDS];

/* by the fractional bits of the spectrum; amplitudes as any call leaves them */
void prove_decay_floor(void)
{
    percepnet_decay st;
    for (int frac = PERCEPNET_FRAC_MIN; frac <= PERCEPNET_SILENCE_FRAC; frac++) {
        ANY32(gain_q15, 0, PERCEPNET_BAND_GAIN_LIMIT_Q15);
        ANY64(energy, 0, ENERGY_MAX);
        ANY64(st.amplitude_q2, 0, AMPLITUDE_MAX_Q2);
        percepnet_decay_run(&st, gain_q15, energy, frac);
        EACH(b, PERCEPNET_N_BANDS) {
            //@ assert 0 <= gain_q15[b] <= PERCEPNET_BAND_GAIN_LIMIT_Q15;
            //@ assert 0 <= st.amplitude_q2[b] <= AMPLITUDE_MAX_Q2;
        }
    }
    END();
}
