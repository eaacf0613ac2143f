#ifndef PERCEPNET_DECAY_H
#define PERCEPNET_DECAY_H

#include <stdint.h>

#include "params.h"

typedef struct {
    int64_t amplitude_q2[PERCEPNET_N_BANDS]; /* of the last output frame, int16 units */
} percepnet_decay;

/* no band falls faster than 60 dB in 100 ms, in place; y_energy belongs to a spectrum with frac */
void percepnet_decay_run(percepnet_decay *st, int32_t gain_q15[PERCEPNET_N_BANDS],
                         const int64_t y_energy[PERCEPNET_N_BANDS], int32_t frac);

#endif
