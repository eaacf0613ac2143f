#include "prove.h"

#include "stage/gates_s32_scalar.c"
#include "stage/dnn.c"

enum { UNITS = 64 };
static int32_t pre_6k[3 * UNITS], hidden_6k[3 * UNITS];
static int16_t state_q15[UNITS];
static int8_t state_s8[UNITS];

/* every layer's activation and a GRU, from any pre-activations of these weights */
void prove_gates(void)
{
    ANY32(pre_6k, -PRE_MAX, PRE_MAX);
    ANY32(hidden_6k, -PRE_MAX, PRE_MAX);
    percepnet_sigmoid_s32_scalar(state_q15, pre_6k, UNITS);
    percepnet_tanh_s32_scalar(state_q15, state_s8, pre_6k, UNITS);
    ANY16(state_q15, -32767, 32767);
    percepnet_gru_s32_scalar(state_q15, state_s8, pre_6k, hidden_6k, UNITS);
    END();
}
