#include "prove.h"

#include "stage/comb.c"

static percepnet_comb_state st;

/* periods 60...800 by the number of periods after the window */
void prove_comb(void)
{
    int32_t acc_q15[PERCEPNET_WINDOW];
    int16_t hop[PERCEPNET_HOP];
    ANY16(st.history, INT16_MIN, INT16_MAX);
    ANY16(hop, INT16_MIN, INT16_MAX);
    EACH(future, PERCEPNET_COMB_PERIODS + 1) {
        int low = PERCEPNET_COMB_FUTURE / (future + 1) + 1;
        int high = future ? PERCEPNET_COMB_FUTURE / future : PERCEPNET_T_MAX;
        low = future == PERCEPNET_COMB_PERIODS ? PERCEPNET_T_MIN : low;
        high = high < PERCEPNET_T_MAX ? high : PERCEPNET_T_MAX;
        if (low > high)
            continue;
        percepnet_comb_run(&st, acc_q15, hop, Frama_C_interval(low, high));
        EACH(i, PERCEPNET_WINDOW) {
            //@ assert -(1 << 30) <= acc_q15[i] <= 1 << 30;
        }
    }
    END();
}

/* w_0 for every period */
void prove_comb_centre(void)
{
    for (int32_t period = PERCEPNET_T_MIN; period <= PERCEPNET_T_MAX; period++) {
        int32_t weight_q15 = percepnet_comb_centre_weight(period);
        //@ assert 0 <= weight_q15 <= CENTRE_MAX_Q15;
    }
    END();
}
