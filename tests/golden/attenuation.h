#ifndef PERCEPNET_ATTENUATION_H
#define PERCEPNET_ATTENUATION_H

#include <stdint.h>

#include "params.h"

typedef struct {
    int32_t share_q30; /* of dry, at the hop's end */
} percepnet_attenuation_state;

/* no past: the first hop has the share of `limit_db` from its first sample */
void percepnet_attenuation_reset(percepnet_attenuation_state *st, int32_t limit_db);

/* limit_db 0 ... 100; out may be wet or dry */
void percepnet_attenuation_run(percepnet_attenuation_state *st, int16_t out[PERCEPNET_HOP],
                               const int16_t wet[PERCEPNET_HOP], const int16_t dry[PERCEPNET_HOP],
                               int32_t limit_db);

#endif
