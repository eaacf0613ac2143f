#ifndef PERCEPNET_GAINS_H
#define PERCEPNET_GAINS_H

#include <stdint.h>

#include "stft.h"

/* z = y + r (p - y), r interpolated to bins; y and p have equal frac */
void percepnet_gains_mix(percepnet_spectrum *z, const percepnet_spectrum *y,
                         const percepnet_spectrum *p,
                         const int16_t strength_q15[PERCEPNET_N_BANDS]);

/* factors gain * min(|y| / |z|, 2) per band */
void percepnet_gains_scale(int16_t scale_q13[PERCEPNET_N_BANDS],
                           const int64_t z_energy[PERCEPNET_N_BANDS],
                           const int64_t y_energy[PERCEPNET_N_BANDS],
                           const int32_t gain_q15[PERCEPNET_N_BANDS]);

/* enhanced = z * scale, interpolated to bins */
void percepnet_gains_apply(percepnet_spectrum *enhanced, const percepnet_spectrum *z,
                           const int16_t scale_q13[PERCEPNET_N_BANDS]);

#endif
