#ifndef PERCEPNET_POSTFILTER_H
#define PERCEPNET_POSTFILTER_H

#include <stdint.h>

#include "params.h"

typedef struct {
    int64_t amplitude_q2[PERCEPNET_N_BANDS]; /* of the last output frame, int16 units */
} percepnet_decay_floor_state;

/* envelope postfilter, in place; beta_permille 1 ... 1000 */
void percepnet_postfilter_envelope(int32_t gain_q15[PERCEPNET_N_BANDS],
                                   const int64_t y_energy[PERCEPNET_N_BANDS],
                                   int32_t beta_permille);

/* no band falls faster than 60 dB in 100 ms, in place; y_energy belongs to a spectrum with frac */
void percepnet_postfilter_decay_floor(percepnet_decay_floor_state *st,
                                      int32_t gain_q15[PERCEPNET_N_BANDS],
                                      const int64_t y_energy[PERCEPNET_N_BANDS], int32_t frac);

#endif
