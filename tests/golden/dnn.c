/* Network in integers; twin: codegen/stages/dnn.py. Nothing overflows: the plan proves every
 * accumulator and pre-activation from the weights that ship. */
#include "dnn.h"
#include "fixed.h"

#include <string.h>

/* out_q12 = rshift_round((bias + w x) * mult, shift); w: rows of cols weights; acc int32 */
static void matvec_s8(int32_t *out_q12, const int8_t *w, const int32_t *bias, const int32_t *mult,
                      int shift, int rows, int cols, const int8_t *x)
{
    for (int row = 0; row < rows; row++, w += cols) {
        int32_t acc = bias[row];
        for (int col = 0; col < cols; col++)
            acc += w[col] * x[col];
        out_q12[row] = (int32_t)mul_q(acc, mult[row], shift);
    }
}

/* the same for int16 inputs: features of the first layer */
static void matvec_s8_s16(int32_t *out_q12, const int8_t *w, const int32_t *bias,
                          const int32_t *mult, int shift, int rows, int cols, const int16_t *x)
{
    for (int row = 0; row < rows; row++, w += cols) {
        int32_t acc = bias[row];
        for (int col = 0; col < cols; col++)
            acc += w[col] * x[col];
        out_q12[row] = (int32_t)mul_q(acc, mult[row], shift);
    }
}

/* Q15 to matrix inputs of step 1/127; cannot leave -127..127 */
static void to_s8(int8_t *out, const int16_t *x_q15, int n)
{
    for (int i = 0; i < n; i++)
        out[i] = (int8_t)((x_q15[i] * 127 + (1 << 14)) >> 15);
}

static void tanh_layer(int16_t *out_q15, const int32_t *pre_q12, int n)
{
    for (int i = 0; i < n; i++)
        out_q15[i] = tanh_q15(pre_q12[i]);
}

static void sigmoid_layer(int16_t *out_q15, const int32_t *pre_q12, int n)
{
    for (int i = 0; i < n; i++)
        out_q15[i] = sigmoid_q15(pre_q12[i]);
}

/* history of conv inputs, oldest first: drop one frame of n values, append x */
static void push(int8_t *history, int keep, const int16_t *x_q15, int n)
{
    memmove(history, history + n, (size_t)keep);
    to_s8(history + keep, x_q15, n);
}

/* torch.nn.GRU from its pre-activations of input and hidden state, each r, z, n of `units`:
 * n = tanh(x_n + r h_n), h' = n + z (h - n); h' lies between n and h, so nothing saturates */
static void gru_step(int16_t *h_q15, int8_t *h_s8, const int32_t *x_q12, const int32_t *hidden_q12,
                     int units)
{
    for (int i = 0; i < units; i++) {
        int z_at = units + i, n_at = 2 * units + i;
        int32_t r_q15 = sigmoid_q15(x_q12[i] + hidden_q12[i]);
        int32_t z_q15 = sigmoid_q15(x_q12[z_at] + hidden_q12[z_at]);
        int32_t n_q15 = tanh_q15(x_q12[n_at] + (int32_t)mul_q(r_q15, hidden_q12[n_at], 15));
        h_q15[i] = (int16_t)(n_q15 + mul_q(z_q15, h_q15[i] - n_q15, 15));
    }
    to_s8(h_s8, h_q15, units);
}

static void dense(percepnet_dnn_state *st, const int16_t *features_q12)
{
    matvec_s8_s16(st->pre_q12, percepnet_dense_weight, percepnet_dense_bias,
        percepnet_dense_mult, 39, 7, 70, features_q12);
    tanh_layer(st->dense_q15, st->pre_q12, 7);
}

static void conv1(percepnet_dnn_state *st, const int16_t *x_q15)
{
    push(st->conv1_in, 28, x_q15, 7);
    matvec_s8(st->pre_q12, percepnet_conv1_weight, percepnet_conv1_bias,
        percepnet_conv1_mult, 33, 9, 35, st->conv1_in);
    tanh_layer(st->conv1_q15, st->pre_q12, 9);
}

static void conv2(percepnet_dnn_state *st, const int16_t *x_q15)
{
    push(st->conv2_in, 18, x_q15, 9);
    matvec_s8(st->pre_q12, percepnet_conv2_weight, percepnet_conv2_bias,
        percepnet_conv2_mult, 33, 9, 27, st->conv2_in);
    tanh_layer(st->conv2_q15, st->pre_q12, 9);
}

static void gru1(percepnet_dnn_state *st)
{
    matvec_s8(st->pre_q12, percepnet_gru1_ih_weight, percepnet_gru1_ih_bias,
        percepnet_gru1_ih_mult, 33, 33, 9, st->layers + 33);
    matvec_s8(st->pre_hidden_q12, percepnet_gru1_hh_weight, percepnet_gru1_hh_bias,
        percepnet_gru1_hh_mult, 33, 33, 11, st->layers + 0);
    gru_step(st->gru1_q15, st->layers + 0, st->pre_q12, st->pre_hidden_q12, 11);
}

static void gru2(percepnet_dnn_state *st)
{
    matvec_s8(st->pre_q12, percepnet_gru2_ih_weight, percepnet_gru2_ih_bias,
        percepnet_gru2_ih_mult, 33, 33, 11, st->layers + 0);
    matvec_s8(st->pre_hidden_q12, percepnet_gru2_hh_weight, percepnet_gru2_hh_bias,
        percepnet_gru2_hh_mult, 33, 33, 11, st->layers + 11);
    gru_step(st->gru2_q15, st->layers + 11, st->pre_q12, st->pre_hidden_q12, 11);
}

static void gru3(percepnet_dnn_state *st)
{
    matvec_s8(st->pre_q12, percepnet_gru3_ih_weight, percepnet_gru3_ih_bias,
        percepnet_gru3_ih_mult, 33, 33, 11, st->layers + 11);
    matvec_s8(st->pre_hidden_q12, percepnet_gru3_hh_weight, percepnet_gru3_hh_bias,
        percepnet_gru3_hh_mult, 33, 33, 11, st->layers + 42);
    gru_step(st->gru3_q15, st->layers + 42, st->pre_q12, st->pre_hidden_q12, 11);
}

static void gru_gain(percepnet_dnn_state *st)
{
    matvec_s8(st->pre_q12, percepnet_gru_gain_ih_weight, percepnet_gru_gain_ih_bias,
        percepnet_gru_gain_ih_mult, 33, 33, 11, st->layers + 42);
    matvec_s8(st->pre_hidden_q12, percepnet_gru_gain_hh_weight, percepnet_gru_gain_hh_bias,
        percepnet_gru_gain_hh_mult, 33, 33, 11, st->layers + 22);
    gru_step(st->gru_gain_q15, st->layers + 22, st->pre_q12, st->pre_hidden_q12, 11);
}

static void gru_strength(percepnet_dnn_state *st)
{
    matvec_s8(st->pre_q12, percepnet_gru_strength_ih_weight, percepnet_gru_strength_ih_bias,
        percepnet_gru_strength_ih_mult, 33, 15, 20, st->layers + 33);
    matvec_s8(st->pre_hidden_q12, percepnet_gru_strength_hh_weight, percepnet_gru_strength_hh_bias,
        percepnet_gru_strength_hh_mult, 33, 15, 5, st->gru_strength);
    gru_step(st->gru_strength_q15, st->gru_strength, st->pre_q12, st->pre_hidden_q12, 5);
}

void percepnet_dnn_run(percepnet_dnn_state *st, int16_t gain_q15[34],
                       int16_t strength_q15[34], int16_t *vad_q15,
                       const int16_t features_q12[70])
{
    dense(st, features_q12);
    conv1(st, st->dense_q15);
    conv2(st, st->conv1_q15);
    to_s8(st->layers + 33, st->conv2_q15, 9);
    gru1(st);
    gru2(st);
    gru3(st);
    gru_gain(st);
    gru_strength(st);
    matvec_s8(st->pre_q12, percepnet_gain_weight, percepnet_gain_bias,
        percepnet_gain_mult, 33, 34, 53, st->layers);
    sigmoid_layer(gain_q15, st->pre_q12, 34);
    matvec_s8(st->pre_q12, percepnet_strength_weight, percepnet_strength_bias,
        percepnet_strength_mult, 33, 34, 5, st->gru_strength);
    sigmoid_layer(strength_q15, st->pre_q12, 34);
    matvec_s8(st->pre_q12, percepnet_vad_weight, percepnet_vad_bias,
        percepnet_vad_mult, 33, 1, 53, st->layers);
    sigmoid_layer(vad_q15, st->pre_q12, 1);
}
