/* Attenuation limit: the delayed input is mixed back into the output. */
#include "attenuation.h"

#include <string.h>

#include "fixed.h"
#include "tables.h"

void percepnet_attenuation_reset(percepnet_attenuation_state *st, int32_t limit_db)
{
    st->share_q30 = percepnet_dry_share_q30[limit_db];
}

void percepnet_attenuation_run(percepnet_attenuation_state *st, int16_t out[PERCEPNET_HOP],
                               const int16_t wet[PERCEPNET_HOP], const int16_t dry[PERCEPNET_HOP],
                               int32_t limit_db)
{
    const int32_t target_q30 = percepnet_dry_share_q30[limit_db];
    const int32_t step_q30 = (int32_t)div_q(target_q30 - st->share_q30, PERCEPNET_HOP, 0);
    int32_t share_q30 = st->share_q30;
    if (share_q30 == 0 && target_q30 == 0) { /* no limit: what is below, in few instructions */
        memmove(out, wet, sizeof *out * PERCEPNET_HOP);
        return;
    }
    for (int i = 0; i < PERCEPNET_HOP; i++) {
        share_q30 += step_q30;
        out[i] = sat16(wet[i] + mul_q(dry[i] - wet[i], share_q30, 30));
    }
    st->share_q30 = target_q30; /* whatever the rounded steps left over */
}
