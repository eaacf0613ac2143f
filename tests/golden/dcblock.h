#ifndef PERCEPNET_DCBLOCK_H
#define PERCEPNET_DCBLOCK_H

#include <stdint.h>

#include "params.h"

typedef struct {
    int32_t sum_q10; /* of the mean taken off, and half for its rounding */
} percepnet_dcblock_state;

void percepnet_dcblock_reset(percepnet_dcblock_state *st);

/* out may not be in */
void percepnet_dcblock_run(percepnet_dcblock_state *st, int16_t out[PERCEPNET_HOP],
                           const int16_t in[PERCEPNET_HOP]);

#endif
