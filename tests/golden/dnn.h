/* Network in integers: dense, two causal convolutions, five GRUs, three outputs. */
#ifndef PERCEPNET_DNN_H
#define PERCEPNET_DNN_H

#include <stdint.h>

#if defined(__GNUC__)
#define PERCEPNET_ALIGN16 __attribute__((aligned(16)))
#else
#define PERCEPNET_ALIGN16
#endif

typedef struct {
    /* scratch of one matrix product and of one GRU */
    int32_t pre_q12[34], pre_hidden_q12[34];
    /* layer outputs of this frame; those of the GRUs are their states */
    int16_t dense_q15[7];
    int16_t conv1_q15[9];
    int16_t conv2_q15[9];
    int16_t gru1_q15[11];
    int16_t gru2_q15[11];
    int16_t gru3_q15[11];
    int16_t gru_gain_q15[11];
    int16_t gru_strength_q15[5];
    /* matrix inputs, step 1/127; histories begin with the oldest frame */
    int8_t conv1_in[35];
    int8_t conv2_in[27];
    int8_t layers[53]; /* gru1 at 0, gru2 at 11, gru_gain at 22, conv2 at 33, gru3 at 42 */
    int8_t gru_strength[5];
} percepnet_dnn_state;

/* One frame: features int16 Q12 in; gains, strengths and voice activity out,
 * int16 Q15, 0..32767. A zeroed state is a reset one. */
void percepnet_dnn_run(percepnet_dnn_state *st, int16_t gain_q15[34],
                       int16_t strength_q15[34], int16_t *vad_q15,
                       const int16_t features_q12[70]);

/* weights.c: rows * cols int8 weights; per row bias (accumulator step) and multiplier to Q12 */
extern const int8_t percepnet_dense_weight[7 * 70];
extern const int32_t percepnet_dense_bias[7], percepnet_dense_mult[7];
extern const int8_t percepnet_conv1_weight[9 * 35];
extern const int32_t percepnet_conv1_bias[9], percepnet_conv1_mult[9];
extern const int8_t percepnet_conv2_weight[9 * 27];
extern const int32_t percepnet_conv2_bias[9], percepnet_conv2_mult[9];
extern const int8_t percepnet_gru1_ih_weight[33 * 9];
extern const int32_t percepnet_gru1_ih_bias[33], percepnet_gru1_ih_mult[33];
extern const int8_t percepnet_gru1_hh_weight[33 * 11];
extern const int32_t percepnet_gru1_hh_bias[33], percepnet_gru1_hh_mult[33];
extern const int8_t percepnet_gru2_ih_weight[33 * 11];
extern const int32_t percepnet_gru2_ih_bias[33], percepnet_gru2_ih_mult[33];
extern const int8_t percepnet_gru2_hh_weight[33 * 11];
extern const int32_t percepnet_gru2_hh_bias[33], percepnet_gru2_hh_mult[33];
extern const int8_t percepnet_gru3_ih_weight[33 * 11];
extern const int32_t percepnet_gru3_ih_bias[33], percepnet_gru3_ih_mult[33];
extern const int8_t percepnet_gru3_hh_weight[33 * 11];
extern const int32_t percepnet_gru3_hh_bias[33], percepnet_gru3_hh_mult[33];
extern const int8_t percepnet_gru_gain_ih_weight[33 * 11];
extern const int32_t percepnet_gru_gain_ih_bias[33], percepnet_gru_gain_ih_mult[33];
extern const int8_t percepnet_gru_gain_hh_weight[33 * 11];
extern const int32_t percepnet_gru_gain_hh_bias[33], percepnet_gru_gain_hh_mult[33];
extern const int8_t percepnet_gru_strength_ih_weight[15 * 20];
extern const int32_t percepnet_gru_strength_ih_bias[15], percepnet_gru_strength_ih_mult[15];
extern const int8_t percepnet_gru_strength_hh_weight[15 * 5];
extern const int32_t percepnet_gru_strength_hh_bias[15], percepnet_gru_strength_hh_mult[15];
extern const int8_t percepnet_gain_weight[34 * 53];
extern const int32_t percepnet_gain_bias[34], percepnet_gain_mult[34];
extern const int8_t percepnet_vad_weight[1 * 53];
extern const int32_t percepnet_vad_bias[1], percepnet_vad_mult[1];
extern const int8_t percepnet_strength_weight[34 * 5];
extern const int32_t percepnet_strength_bias[34], percepnet_strength_mult[34];

#endif
