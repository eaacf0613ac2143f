/* Decay floor: a limit to how fast a band may fall. */
#include "decay.h"

#include "erb.h"
#include "fixed.h"

void percepnet_decay_run(percepnet_decay *st, int32_t gain_q15[PERCEPNET_N_BANDS],
                         const int64_t y_energy[PERCEPNET_N_BANDS], int32_t frac)
{
    const int shift = 2 * PERCEPNET_AMPLITUDE_BITS - percepnet_erb_energy_frac(frac);
    for (int b = 0; b < PERCEPNET_N_BANDS; b++) {
        int64_t noisy_q2 = isqrt64((uint64_t)shift_round(y_energy[b], shift));
        int64_t wanted_q2 = rshift_round(gain_q15[b] * noisy_q2, 15);
        int64_t kept_q2 = rshift_round(st->amplitude_q2[b] * PERCEPNET_DECAY_Q15, 15);
        int64_t ceiling = noisy_q2 > wanted_q2 ? noisy_q2 : wanted_q2;
        int64_t held_q2 = kept_q2 > wanted_q2 ? kept_q2 : wanted_q2;
        st->amplitude_q2[b] = held_q2 < ceiling ? held_q2 : ceiling;
        if (kept_q2 > wanted_q2) {
            int64_t held_q15 = div_q(st->amplitude_q2[b], noisy_q2 > 0 ? noisy_q2 : 1, 15);
            gain_q15[b] = (int32_t)clamp(held_q15, 0, PERCEPNET_BAND_GAIN_LIMIT_Q15);
        }
    }
}
