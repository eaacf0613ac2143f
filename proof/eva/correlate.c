#include "prove.h"

#include "stage/correlate_s16_scalar.c"

/* products of 11-bit samples at every lag */
void prove_products(void)
{
    static int16_t segment[PERCEPNET_PITCH_SEGMENT];
    static int32_t cross[PERCEPNET_N_CORRELATIONS];
    ANY16(segment, -SEGMENT_MAX, SEGMENT_MAX);
    percepnet_correlate_s16_scalar(cross, segment + PERCEPNET_CORRELATION_LAG_MAX);
    EACH(lag, PERCEPNET_N_CORRELATIONS) {
        //@ assert -CORRELATION_MAX <= cross[lag] <= CORRELATION_MAX;
    }
    END();
}
