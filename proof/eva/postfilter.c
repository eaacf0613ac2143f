#include "prove.h"

#define isqrt64 some_root
#include "stage/postfilter.c"

static int32_t warped_q15[PERCEPNET_N_BANDS], gain_q15[PERCEPNET_N_BANDS];
static int64_t energy[PERCEPNET_N_BANDS];

/* energies by the bits of the largest, which is here that of the first band: which one it is makes
 * no difference, bands meet in two sums only; the sum after is no larger: lemma `warped` */
void prove_warp(void)
{
    int64_t before, after;
    ANY32(gain_q15, 0, 32767);
    for (int bits = 0; bits <= ENERGY_BITS_MAX; bits++) {
        ANY64(energy, 0, largest_of(bits));
        energy[0] = Frama_C_long_long_interval(smallest(bits), largest_of(bits));
        warp(warped_q15, &before, &after, gain_q15, energy);
        //@ assert 0 <= before <= POSTFILTER_SUM_MAX;
    }
    END();
}

/* by the bits of the sum before; the sum after is no larger: lemma `warped` */
void prove_frame_gain(void)
{
    for (int bits = 0; bits <= POSTFILTER_SUM_BITS_MAX; bits++)
        frame_gain_q14(Frama_C_long_long_interval(smallest(bits), largest_of(bits)),
                       Frama_C_long_long_interval(0, largest_of(bits)),
                       Frama_C_interval(1, 1000));
    END();
}
