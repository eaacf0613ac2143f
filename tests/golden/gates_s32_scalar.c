/* tanh, sigmoid and the gates of a GRU: the definition that every other kernel equals. */
#include "gates.h"
#include "kernels.h"

void percepnet_tanh_s32_scalar(int16_t *out_q15, int8_t *out_s8, const int32_t *pre_6k, int n)
{
    for (int i = 0; i < n; i++)
        out_s8[i] = to_s8(out_q15[i] = tanh_q15(pre_6k[i]));
}

void percepnet_sigmoid_s32_scalar(int16_t *out_q15, const int32_t *half_6k, int n)
{
    for (int i = 0; i < n; i++)
        out_q15[i] = sigmoid_q15(half_6k[i]);
}

void percepnet_gru_s32_scalar(int16_t *h_q15, int8_t *h_s8, const int32_t *x_6k,
                              const int32_t *hidden_6k, int units)
{
    for (int i = 0; i < units; i++)
        h_s8[i] = to_s8(h_q15[i] = gru_unit_q15(h_q15[i], x_6k, hidden_6k, units, i));
}
