/* Network in integers: dense, two causal convolutions, five GRUs, three outputs. */
#ifndef PERCEPNET_DNN_H
#define PERCEPNET_DNN_H

#include <stdint.h>

#include "kernels.h"

#if defined(__GNUC__)
#define PERCEPNET_ALIGN16 __attribute__((aligned(16)))
#else
#define PERCEPNET_ALIGN16
#endif

typedef struct {
    /* scratch of one matrix product and of one GRU */
    int32_t pre_q12[36], pre_hidden_q12[36];
    /* layer outputs of this frame; those of the GRUs are their states */
    int16_t dense_q15[7];
    int16_t conv1_q15[9];
    int16_t conv2_q15[9];
    int16_t gru1_q15[11];
    int16_t gru2_q15[11];
    int16_t gru3_q15[11];
    int16_t gru_gain_q15[11];
    int16_t gru_strength_q15[5];
    /* matrix inputs, step 1/127; histories begin with the oldest frame; what kernels may read
     * beyond meets weights of zero */
    int8_t conv1_in[64];
    int8_t conv2_in[32];
    int8_t layers[85]; /* gru1 at 0, gru2 at 11, gru_gain at 22, conv2 at 33, gru3 at 42 */
    int8_t gru_strength[32];
} percepnet_dnn_state;

/* One frame: features int16 Q12 in; gains, strengths and voice activity out,
 * int16 Q15, 0..32767. A zeroed state is a reset one. */
void percepnet_dnn_run(percepnet_dnn_state *st, const percepnet_kernels *kernels,
                       int16_t gain_q15[34],
                       int16_t strength_q15[34], int16_t *vad_q15,
                       const int16_t features_q12[70]);

/* weights.c: per row bias (accumulator step) and multiplier to Q12 */
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
extern const percepnet_matrix percepnet_vad; /* 1 x 53 */
extern const percepnet_matrix percepnet_strength; /* 34 x 5 */

#endif
