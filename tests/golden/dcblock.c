/* DC blocker, first order. Bounds: bounds() in codegen/stages/dcblock.py. */
#include "dcblock.h"

#include "fixed.h"

void percepnet_dcblock_reset(percepnet_dcblock_state *st)
{
    st->sum_q10 = 1 << (PERCEPNET_DCBLOCK_SHIFT - 1);
}

void percepnet_dcblock_run(percepnet_dcblock_state *st, int16_t out[PERCEPNET_HOP],
                           const int16_t in[PERCEPNET_HOP])
{
    int32_t y[PERCEPNET_HOP], sum_q10 = st->sum_q10;
    for (int i = 0; i < PERCEPNET_HOP; i += 8)
        for (int k = i; k < i + 8; k++) { /* unrolled: counting would cost as much again */
            y[k] = in[k] - (sum_q10 >> PERCEPNET_DCBLOCK_SHIFT);
            sum_q10 += y[k];
        }
    st->sum_q10 = sum_q10;
    for (int i = 0; i < PERCEPNET_HOP; i++) /* apart: vectors can do this */
        out[i] = sat16(y[i]);
}
