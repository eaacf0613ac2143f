/* Layer output as matrix input, and one unit of a GRU: the definition for all sets. */
#ifndef PERCEPNET_GATES_H
#define PERCEPNET_GATES_H

#include "fixed.h"

/* Q15 to a matrix input of step 1/127; cannot leave -127..127 */
static inline int8_t to_s8(int16_t x_q15)
{
    return (int8_t)((x_q15 * 127 + (1 << 14)) >> 15);
}

/* unit i of `units`: its new state */
static inline int16_t gru_unit_q15(int16_t h_q15, const int32_t *x_6k, const int32_t *hidden_6k,
                                   int units, int i)
{
    int z_at = units + i, n_at = 2 * units + i;
    int32_t r_q15 = sigmoid_q15(x_6k[i] + hidden_6k[i]);
    int32_t z_q15 = sigmoid_q15(x_6k[z_at] + hidden_6k[z_at]);
    int32_t n_q15 = tanh_q15(x_6k[n_at] + (int32_t)mul_q(r_q15, hidden_6k[n_at], 15));
    return (int16_t)(n_q15 + mul_q(z_q15, h_q15 - n_q15, 15));
}

#endif
