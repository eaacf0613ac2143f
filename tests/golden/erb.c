/* Triangular bands on the ERB scale: band sums and interpolation. */
#include "erb.h"

#include "fixed.h"
#include "tables.h"

void percepnet_erb_inner(int64_t sums[PERCEPNET_N_BANDS], const percepnet_spectrum *a,
                         const percepnet_spectrum *b)
{
    int64_t from_below = 0; /* rising half of band i, left by the interval before */
    for (int i = 0; i < PERCEPNET_N_BANDS - 1; i++) {
        int64_t total = 0, rising = 0;
        for (int j = percepnet_band_peaks[i]; j < percepnet_band_peaks[i + 1]; j++) {
            int64_t product = rshift_round(a->re[j], PERCEPNET_ENERGY_SHIFT) *
                                  rshift_round(b->re[j], PERCEPNET_ENERGY_SHIFT) +
                              rshift_round(a->im[j], PERCEPNET_ENERGY_SHIFT) *
                                  rshift_round(b->im[j], PERCEPNET_ENERGY_SHIFT);
            total += product;
            rising += product * percepnet_rise_q11[j];
        }
        sums[i] = from_below + total * (1 << PERCEPNET_RISE_BITS) - rising;
        from_below = rising;
    }
    sums[0] *= 2; /* the end bands are half triangles: counted twice */
    sums[PERCEPNET_N_BANDS - 1] = 2 * from_below;
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
