/* Triangular bands on the ERB scale: band sums and interpolation. */
#include "erb.h"

#include "fixed.h"
#include "tables.h"

void percepnet_erb_inner(const percepnet_kernels *kernels, int64_t sums[PERCEPNET_N_BANDS],
                         const percepnet_spectrum *a, const percepnet_spectrum *b)
{
    kernels->erb_inner_s32(sums, a->re, a->im, b->re, b->im);
}

void percepnet_erb_interpolate(int16_t bins[PERCEPNET_ACTIVE_BINS],
                               const int16_t bands[PERCEPNET_N_BANDS])
{
    for (int i = 0; i < PERCEPNET_N_BANDS - 1; i++) {
        int32_t low = bands[i], step = bands[i + 1] - low;
        for (int j = percepnet_band_peaks[i]; j < percepnet_band_peaks[i + 1]; j++)
            bins[j] = (int16_t)(low + rshift_round(step * percepnet_rise_q11[j],
                                                   PERCEPNET_RISE_BITS));
    }
}
