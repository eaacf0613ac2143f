/* Network in integers; twin: codegen/stages/dnn.py. Nothing overflows: the plan proves every
 * accumulator and pre-activation from the weights that ship. */
#include "dnn.h"

#include <string.h>

/* Q15 to matrix inputs of step 1/127; cannot leave -127..127 */
static void to_s8(int8_t *out, const int16_t *x_q15, int n)
{
    for (int i = 0; i < n; i++)
        out[i] = (int8_t)((x_q15[i] * 127 + (1 << 14)) >> 15);
}

/* history of conv inputs, oldest first: drop one frame of n values, append x */
static void push(int8_t *history, int keep, const int16_t *x_q15, int n)
{
    memmove(history, history + n, (size_t)keep);
    to_s8(history + keep, x_q15, n);
}

static void dense(percepnet_dnn_state *st, const percepnet_kernels *kernels,
                  const int16_t *features_q12)
{
    kernels->matvec_s8_s16(st->pre_q12, &percepnet_dense, features_q12);
    kernels->tanh_s32(st->dense_q15, st->pre_q12, 7);
}

static void conv1(percepnet_dnn_state *st, const percepnet_kernels *kernels, const int16_t *x_q15)
{
    push(st->conv1_in, 28, x_q15, 7);
    kernels->matvec_s8(st->pre_q12, &percepnet_conv1, st->conv1_in);
    kernels->tanh_s32(st->conv1_q15, st->pre_q12, 9);
}

static void conv2(percepnet_dnn_state *st, const percepnet_kernels *kernels, const int16_t *x_q15)
{
    push(st->conv2_in, 18, x_q15, 9);
    kernels->matvec_s8(st->pre_q12, &percepnet_conv2, st->conv2_in);
    kernels->tanh_s32(st->conv2_q15, st->pre_q12, 9);
}

/* pre-activations of input and hidden state, new state, and the state as matrix input */
static void gru(percepnet_dnn_state *st, const percepnet_kernels *kernels,
                const percepnet_matrix *input, const percepnet_matrix *hidden, const int8_t *x,
                int16_t *h_q15, int8_t *h_s8, int units)
{
    kernels->matvec_s8(st->pre_q12, input, x);
    kernels->matvec_s8(st->pre_hidden_q12, hidden, h_s8);
    kernels->gru_s32(h_q15, st->pre_q12, st->pre_hidden_q12, units);
    to_s8(h_s8, h_q15, units);
}

void percepnet_dnn_run(percepnet_dnn_state *st, const percepnet_kernels *kernels,
                       int16_t gain_q15[34],
                       int16_t strength_q15[34], int16_t *vad_q15,
                       const int16_t features_q12[70])
{
    dense(st, kernels, features_q12);
    conv1(st, kernels, st->dense_q15);
    conv2(st, kernels, st->conv1_q15);
    to_s8(st->layers + 33, st->conv2_q15, 9);
    gru(st, kernels, &percepnet_gru1_ih, &percepnet_gru1_hh, st->layers + 33,
        st->gru1_q15, st->layers + 0, 11);
    gru(st, kernels, &percepnet_gru2_ih, &percepnet_gru2_hh, st->layers + 0,
        st->gru2_q15, st->layers + 11, 11);
    gru(st, kernels, &percepnet_gru3_ih, &percepnet_gru3_hh, st->layers + 11,
        st->gru3_q15, st->layers + 42, 11);
    gru(st, kernels, &percepnet_gru_gain_ih, &percepnet_gru_gain_hh, st->layers + 42,
        st->gru_gain_q15, st->layers + 22, 11);
    gru(st, kernels, &percepnet_gru_strength_ih, &percepnet_gru_strength_hh, st->layers + 33,
        st->gru_strength_q15, st->gru_strength, 5);
    kernels->matvec_s8(st->pre_q12, &percepnet_gain, st->layers);
    kernels->sigmoid_s32(gain_q15, st->pre_q12, 34);
    kernels->matvec_s8(st->pre_q12, &percepnet_strength, st->gru_strength);
    kernels->sigmoid_s32(strength_q15, st->pre_q12, 34);
    kernels->matvec_s8(st->pre_q12, &percepnet_vad, st->layers);
    kernels->sigmoid_s32(vad_q15, st->pre_q12, 1);
}
