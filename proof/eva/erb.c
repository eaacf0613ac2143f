#include "prove.h"

#include "stage/erb.c"

/* band values of Q15 to bins */
void prove_erb_interpolate(void)
{
    int16_t bins[PERCEPNET_ACTIVE_BINS], bands[PERCEPNET_N_BANDS];
    ANY16(bands, 0, INT16_MAX);
    percepnet_erb_interpolate(bins, bands);
    END();
}
