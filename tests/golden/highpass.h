/* Second-order high-pass whose cutoff follows the talker's pitch, 60...100 Hz. */
#ifndef PERCEPNET_HIGHPASS_H
#define PERCEPNET_HIGHPASS_H

#include <stdint.h>

#include "params.h"

typedef struct {
    int64_t m0_q43;
    int64_t m1_q43;
    int64_t rest_q43;
    int32_t cutoff_q16;
} percepnet_highpass_state;

/* A zeroed state is not a reset one: the cutoff begins at its lowest. */
void percepnet_highpass_reset(percepnet_highpass_state *st);

/* One hop; period 60...800 samples, correlation 0...32767. */
void percepnet_highpass_run(percepnet_highpass_state *st, int16_t out[PERCEPNET_HOP],
                            const int32_t hop_q8[PERCEPNET_HOP], int32_t period,
                            int32_t correlation_q15);

#endif
