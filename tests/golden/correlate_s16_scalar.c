/* Correlation at every lag that the pitch tracker looks at: the definition that every other kernel equals. */
#include "kernels.h"
#include "params.h"

void percepnet_correlate_s16_scalar(int32_t *cross, const int16_t *newest)
{
    for (int lag = 0; lag < PERCEPNET_N_CORRELATIONS; lag++) {
        const int16_t *past = newest - PERCEPNET_LAG_MIN - lag;
        int32_t acc = 0;
        for (int i = 0; i < PERCEPNET_CORRELATION_WINDOW; i++)
            acc += newest[i] * past[i];
        cross[lag] = acc;
    }
}
