#ifndef PERCEPNET_POSTFILTER_H
#define PERCEPNET_POSTFILTER_H

#include <stdint.h>

#include "params.h"

/* envelope postfilter, in place; beta_permille 1 ... 1000 */
void percepnet_postfilter_envelope(int32_t gain_q15[PERCEPNET_N_BANDS],
                                   const int64_t y_energy[PERCEPNET_N_BANDS],
                                   int32_t beta_permille);

#endif
