/* Network in integers; twin: codegen/stages/dnn.py. Nothing overflows: the plan proves every
 * accumulator and pre-activation from the weights that ship. Every matrix meets all frames of a
 * block at once, but for those that need the state of the frame before. */
#include "dnn.h"

#include <string.h>

/* tanh of the pre-activations of `rows` each: the last frame's as x_q15, all as matrix inputs */
static void activate(percepnet_dnn_state *st, const percepnet_kernels *kernels, int rows,
                     int16_t *x_q15, int units, int8_t *out, int stride, int frames)
{
    for (int f = 0; f < frames; f++)
        kernels->tanh_s32(x_q15, out + f * stride, st->pre_6k + f * rows, units);
}

static void dense(percepnet_dnn_state *st, const percepnet_kernels *kernels,
                  const percepnet_dnn_io *io, int frames)
{
    kernels->matmul_s8_s16(st->pre_6k, &percepnet_dense, io->features_q12[0], 70, frames);
    activate(st, kernels, percepnet_dense.rows, st->dense_q15, 7,
             st->conv1_in + 28, 7, frames);
}

/* inputs of the frames before stand in front of those of this block */
static void conv1(percepnet_dnn_state *st, const percepnet_kernels *kernels, int frames)
{
    kernels->matmul_s8(st->pre_6k, &percepnet_conv1, st->conv1_in, 7, frames);
    activate(st, kernels, percepnet_conv1.rows, st->conv1_q15, 9,
             st->conv2_in + 18, 9, frames);
    memmove(st->conv1_in, st->conv1_in + frames * 7, 28);
}

/* inputs of the frames before stand in front of those of this block */
static void conv2(percepnet_dnn_state *st, const percepnet_kernels *kernels, int frames)
{
    kernels->matmul_s8(st->pre_6k, &percepnet_conv2, st->conv2_in, 9, frames);
    activate(st, kernels, percepnet_conv2.rows, st->conv2_q15, 9,
             st->layers[1] + 33, 96, frames);
    memmove(st->conv2_in, st->conv2_in + frames * 9, 18);
}

/* A layer's outputs over the block: frame f in row f + 1, what the block before left in row 0. */
typedef struct {
    int8_t *row0;
    int stride;
} history;

/* pre-activations of input and hidden state, new state, and the state as matrix input */
static void gru(percepnet_dnn_state *st, const percepnet_kernels *kernels,
                const percepnet_matrix *input, const percepnet_matrix *hidden, history x,
                int16_t *h_q15, history h, int units, int frames)
{
    kernels->matmul_s8(st->pre_6k, input, x.row0 + x.stride, x.stride, frames);
    for (int f = 0; f < frames; f++) {
        int8_t *before = h.row0 + f * h.stride;
        kernels->matmul_s8(st->pre_hidden_6k, hidden, before, h.stride, 1);
        kernels->gru_s32(h_q15, before + h.stride, st->pre_6k + f * input->rows, st->pre_hidden_6k,
                         units);
    }
}

static void output(percepnet_dnn_state *st, const percepnet_kernels *kernels,
                   const percepnet_matrix *m, history x, int16_t *out_q15, int units, int frames)
{
    kernels->matmul_s8(st->pre_6k, m, x.row0 + x.stride, x.stride, frames);
    for (int f = 0; f < frames; f++)
        kernels->sigmoid_s32(out_q15 + f * units, st->pre_6k + f * m->rows, units);
}

void percepnet_dnn_run(percepnet_dnn_state *st, const percepnet_kernels *kernels,
                       percepnet_dnn_io *io, int frames)
{
    const history layers = {st->layers[0], 96};
    const history gru_strength = {st->gru_strength[0], 32};
    dense(st, kernels, io, frames);
    conv1(st, kernels, frames);
    conv2(st, kernels, frames);
    gru(st, kernels, &percepnet_gru1_ih, &percepnet_gru1_hh,
        (history){layers.row0 + 33, layers.stride}, st->gru1_q15,
        layers, 11, frames);
    gru(st, kernels, &percepnet_gru2_ih, &percepnet_gru2_hh,
        layers, st->gru2_q15,
        (history){layers.row0 + 11, layers.stride}, 11, frames);
    gru(st, kernels, &percepnet_gru3_ih, &percepnet_gru3_hh,
        (history){layers.row0 + 11, layers.stride}, st->gru3_q15,
        (history){layers.row0 + 42, layers.stride}, 11, frames);
    gru(st, kernels, &percepnet_gru_gain_ih, &percepnet_gru_gain_hh,
        (history){layers.row0 + 42, layers.stride}, st->gru_gain_q15,
        (history){layers.row0 + 22, layers.stride}, 11, frames);
    gru(st, kernels, &percepnet_gru_strength_ih, &percepnet_gru_strength_hh,
        (history){layers.row0 + 33, layers.stride}, st->gru_strength_q15,
        gru_strength, 5, frames);
    output(st, kernels, &percepnet_gain, layers,
           io->gain_q15[0], 34, frames);
    output(st, kernels, &percepnet_strength, gru_strength,
           io->strength_q15[0], 34, frames);
    output(st, kernels, &percepnet_vad, layers,
           io->vad_q15, 1, frames);
    memcpy(st->layers[0], st->layers[frames], sizeof st->layers[0]);
    memcpy(st->gru_strength[0], st->gru_strength[frames], sizeof st->gru_strength[0]);
}
