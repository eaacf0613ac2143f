/* One unit of a GRU: the definition for all sets. */
#ifndef PERCEPNET_GATES_H
#define PERCEPNET_GATES_H

#include "fixed.h"

/* unit i of `units`: its new state */
static inline int16_t gru_unit_q15(int16_t h_q15, const int32_t *x_q12, const int32_t *hidden_q12,
                                   int units, int i)
{
    int z_at = units + i, n_at = 2 * units + i;
    int32_t r_q15 = sigmoid_q15(x_q12[i] + hidden_q12[i]);
    int32_t z_q15 = sigmoid_q15(x_q12[z_at] + hidden_q12[z_at]);
    int32_t n_q15 = tanh_q15(x_q12[n_at] + (int32_t)mul_q(r_q15, hidden_q12[n_at], 15));
    return (int16_t)(n_q15 + mul_q(z_q15, h_q15 - n_q15, 15));
}

#endif
