#ifndef PERCEPNET_ERB_H
#define PERCEPNET_ERB_H

#include <stdint.h>

#include "stft.h"

/* <a, b> per band; both spectra have the same frac. Energy: a == b. */
void percepnet_erb_inner(const percepnet_kernels *kernels, int64_t sums[PERCEPNET_N_BANDS],
                         const percepnet_spectrum *a, const percepnet_spectrum *b);

/* band values to the active bins, linear between the peaks, same format */
void percepnet_erb_interpolate(int16_t bins[PERCEPNET_ACTIVE_BINS],
                               const int16_t bands[PERCEPNET_N_BANDS]);

/* fractional bits of a band energy for a spectrum with frac */
static inline int percepnet_erb_energy_frac(int32_t frac)
{
    return 2 * (frac - PERCEPNET_ENERGY_SHIFT) + PERCEPNET_RISE_BITS;
}

#endif
