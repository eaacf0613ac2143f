/* Comb filter over up to 11 pitch periods; twin: codegen/stages/comb.py. */
#ifndef PERCEPNET_COMB_H
#define PERCEPNET_COMB_H

#include "params.h"

#include <stdint.h>

/* a zeroed state is a reset one */
typedef struct {
    int16_t history[PERCEPNET_COMB_HISTORY]; /* past, window of frame n - 2, future */
} percepnet_comb_state;

/* Takes hop n and filters the window of frame n - 2: int16 units, Q15, |acc| <= 2^30.
 * period: of frame n - 2, samples, PERCEPNET_T_MIN..PERCEPNET_T_MAX. */
void percepnet_comb_run(percepnet_comb_state *st, int32_t acc_q15[PERCEPNET_WINDOW],
                        const int16_t hop[PERCEPNET_HOP], int32_t period);

/* w_0 of the comb used for a period, Q15 */
int32_t percepnet_comb_centre_weight(int32_t period);

#endif
