/* Network in integers, up to 4 frames a call:
 * dense, conv1, conv2, gru1, gru2, gru3, gru_gain, gru_strength, gain, strength, vad. */
#ifndef PERCEPNET_DNN_H
#define PERCEPNET_DNN_H

#include <stdint.h>

#include "kernels.h"

/* Weights begin at a cache line: no vector of them lies across two. */
#if defined(__GNUC__)
#define PERCEPNET_ALIGN64 __attribute__((aligned(64)))
#else
#define PERCEPNET_ALIGN64
#endif

/* Frame by frame: features int16 Q12 in; gains, strengths and voice activity out,
 * int16 Q15, 0..32767. */
typedef struct {
    int16_t features_q12[4][70];
    int16_t gain_q15[4][34];
    int16_t strength_q15[4][34];
    int16_t vad_q15[4];
} percepnet_dnn_io;

/* Scratch; layer outputs of the last frame, those of the GRUs being their states; and these as matrix
 * inputs, step 1/127, oldest frame first: of convolutions all that they reach, of the other layers the
 * last frame of the block before and this block. What kernels may read beyond meets weights of zero. */
typedef struct {
    int32_t pre_6k[144]; /* of one product */
    int32_t pre_hidden_6k[36]; /* and of a state's own */
    int16_t dense_q15[7];
    int16_t conv1_q15[9];
    int16_t conv2_q15[9];
    int16_t gru1_q15[11];
    int16_t gru2_q15[11];
    int16_t gru3_q15[11];
    int16_t gru_gain_q15[11];
    int16_t gru_strength_q15[5];
    int8_t conv1_in[85];
    int8_t conv2_in[59];
    int8_t layers[1 + 4][96]; /* gru1 at 0, gru2 at 11, gru_gain at 22, conv2 at 33, gru3 at 42 */
    int8_t gru_strength[1 + 4][32]; /* gru_strength at 0 */
} percepnet_dnn_state;

/* 1..4 frames, the same results however they are grouped. A zeroed state is a reset one. */
void percepnet_dnn_run(percepnet_dnn_state *st, const percepnet_kernels *kernels,
                       percepnet_dnn_io *io, int frames);

/* weights.c: per row bias (accumulator step) and multiplier to pre-activations, 6000 steps to 1 */
extern const int8_t percepnet_conv1_i8mm[]; /* arm64, weights_i8mm.c */
extern const int8_t percepnet_conv2_i8mm[]; /* arm64, weights_i8mm.c */
extern const int8_t percepnet_gru1_ih_i8mm[]; /* arm64, weights_i8mm.c */
extern const int8_t percepnet_gru2_ih_i8mm[]; /* arm64, weights_i8mm.c */
extern const int8_t percepnet_gru3_ih_i8mm[]; /* arm64, weights_i8mm.c */
extern const int8_t percepnet_gru_gain_ih_i8mm[]; /* arm64, weights_i8mm.c */
extern const int8_t percepnet_gru_strength_ih_i8mm[]; /* arm64, weights_i8mm.c */
extern const int8_t percepnet_gain_i8mm[]; /* arm64, weights_i8mm.c */
extern const int8_t percepnet_strength_i8mm[]; /* arm64, weights_i8mm.c */
extern const int8_t percepnet_vad_i8mm[]; /* arm64, weights_i8mm.c */
extern const percepnet_matrix percepnet_dense; /* 7 x 70 */
extern const percepnet_matrix percepnet_conv1; /* 9 x 35 */
extern const percepnet_matrix percepnet_conv2; /* 9 x 27 */
extern const percepnet_matrix percepnet_gru1_ih; /* 33 x 9 */
extern const percepnet_matrix percepnet_gru1_hh; /* 33 x 11 */
extern const percepnet_matrix percepnet_gru2_ih; /* 33 x 11 */
extern const percepnet_matrix percepnet_gru2_hh; /* 33 x 11 */
extern const percepnet_matrix percepnet_gru3_ih; /* 33 x 11 */
extern const percepnet_matrix percepnet_gru3_hh; /* 33 x 11 */
extern const percepnet_matrix percepnet_gru_gain_ih; /* 33 x 11 */
extern const percepnet_matrix percepnet_gru_gain_hh; /* 33 x 11 */
extern const percepnet_matrix percepnet_gru_strength_ih; /* 15 x 20 */
extern const percepnet_matrix percepnet_gru_strength_hh; /* 15 x 5 */
extern const percepnet_matrix percepnet_gain; /* 34 x 53 */
extern const percepnet_matrix percepnet_strength; /* 34 x 5 */
extern const percepnet_matrix percepnet_vad; /* 1 x 53 */

#endif
