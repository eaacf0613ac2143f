#include "prove.h"

#include "stage/highpass.c"

/* memories as any call leaves them, any sound, any pitch */
void prove_highpass(void)
{
    percepnet_highpass_state st;
    int16_t out[PERCEPNET_HOP];
    int32_t hop_q8[PERCEPNET_HOP];
    percepnet_highpass_reset(&st);
    //@ assert st.m0_q43 == 0 && st.m1_q43 == 0 && st.rest_q43 == 0;
    //@ assert PERCEPNET_HIGHPASS_CUTOFF_MIN_Q16 <= st.cutoff_q16;
    ANY32(hop_q8, INT32_MIN, INT32_MAX);
    st.m0_q43 = Frama_C_long_long_interval(-HIGHPASS_M0_MAX, HIGHPASS_M0_MAX);
    st.m1_q43 = Frama_C_long_long_interval(-HIGHPASS_M1_MAX, HIGHPASS_M1_MAX);
    st.rest_q43 = Frama_C_long_long_interval(-(1 << 29), 1 << 29);
    st.cutoff_q16 = Frama_C_interval(PERCEPNET_HIGHPASS_CUTOFF_MIN_Q16,
                                     PERCEPNET_HIGHPASS_CUTOFF_MAX_Q16);
    percepnet_highpass_run(&st, out, hop_q8, Frama_C_interval(PERCEPNET_T_MIN, PERCEPNET_T_MAX),
                           Frama_C_interval(0, 32767));
    //@ assert -HIGHPASS_M0_MAX <= st.m0_q43 <= HIGHPASS_M0_MAX;
    //@ assert -HIGHPASS_M1_MAX <= st.m1_q43 <= HIGHPASS_M1_MAX;
    //@ assert -(1 << 29) <= st.rest_q43 <= 1 << 29;
    END();
}

/* The cutoff stays within its ends: by parts of its range, since a step towards the target never
 * goes beyond it. */
void prove_cutoff(void)
{
    percepnet_highpass_state st;
    EACH(part, 40) {
        const int32_t low = PERCEPNET_HIGHPASS_CUTOFF_MIN_Q16 + part * 65536;
        st.cutoff_q16 = Frama_C_interval(low, low + 65536);
        follow(&st, Frama_C_interval(PERCEPNET_T_MIN, PERCEPNET_T_MAX),
               Frama_C_interval(0, 32767));
        //@ assert st.cutoff_q16 >= PERCEPNET_HIGHPASS_CUTOFF_MIN_Q16 - 65536;
        //@ assert st.cutoff_q16 <= PERCEPNET_HIGHPASS_CUTOFF_MAX_Q16 + 65536;
    }
    END();
}
