#include "prove.h"

#include "stage/attenuation.c"

/* the share of the dry sound as any call leaves it, in 16 parts; any limit */
void prove_attenuation(void)
{
    percepnet_attenuation_state st;
    int16_t wet[PERCEPNET_HOP], dry[PERCEPNET_HOP], out[PERCEPNET_HOP];
    ANY16(wet, INT16_MIN, INT16_MAX);
    ANY16(dry, INT16_MIN, INT16_MAX);
    percepnet_attenuation_reset(&st, Frama_C_interval(0, 100));
    //@ assert 0 <= st.share_q30 <= 1 << 30;
    EACH(part, 16) {
        st.share_q30 = Frama_C_interval(part << 26, (part + 1) << 26);
        percepnet_attenuation_run(&st, out, wet, dry, Frama_C_interval(0, 100));
        //@ assert 0 <= st.share_q30 <= 1 << 30;
    }
    END();
}
