/* tanh, sigmoid and the gates of a GRU: the definition that every other kernel equals. */
#include "gates.h"
#include "kernels.h"

void percepnet_tanh_s32_scalar(int16_t *out_q15, const int32_t *pre_q12, int n)
{
    for (int i = 0; i < n; i++)
        out_q15[i] = tanh_q15(pre_q12[i]);
}

void percepnet_sigmoid_s32_scalar(int16_t *out_q15, const int32_t *pre_q12, int n)
{
    for (int i = 0; i < n; i++)
        out_q15[i] = sigmoid_q15(pre_q12[i]);
}

void percepnet_gru_s32_scalar(int16_t *h_q15, const int32_t *x_q12, const int32_t *hidden_q12,
                              int units)
{
    for (int i = 0; i < units; i++)
        h_q15[i] = gru_unit_q15(h_q15[i], x_q12, hidden_q12, units, i);
}
