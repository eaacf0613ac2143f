#ifndef PERCEPNET_FEATURES_H
#define PERCEPNET_FEATURES_H

#include <stdint.h>

#include "params.h"

/* pitch coherence per band; the energies have equal fractional bits, centre_q15 is w_0 */
void percepnet_features_coherence(int16_t coherence_q15[PERCEPNET_N_BANDS],
                                  const int64_t y_energy[PERCEPNET_N_BANDS],
                                  const int64_t cross[PERCEPNET_N_BANDS],
                                  const int64_t p_energy[PERCEPNET_N_BANDS], int32_t centre_q15);

/* newest_energy belongs to a spectrum with frac */
void percepnet_features_scale(int16_t features_q12[PERCEPNET_N_FEATURES],
                              const int64_t newest_energy[PERCEPNET_N_BANDS], int32_t frac,
                              const int16_t coherence_q15[PERCEPNET_N_BANDS], int32_t period,
                              int32_t correlation_q15);

#endif
