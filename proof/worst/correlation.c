/* Correlation at its worst case, under the sanitizers: with the largest sample everywhere each
 * partial sum is as large as it can be for any samples, and no address depends on data. */
#include <stdio.h>

#include "kernels.h"
#include "params.h"
#include "ranges.h"

int main(void)
{
    static int16_t segment[PERCEPNET_PITCH_SEGMENT];
    static int32_t cross[PERCEPNET_N_CORRELATIONS];
    int32_t largest = 0;
    for (int i = 0; i < PERCEPNET_PITCH_SEGMENT; i++)
        segment[i] = SEGMENT_MAX;
    percepnet_correlate_s16_scalar(cross, segment + PERCEPNET_CORRELATION_LAG_MAX);
    for (int lag = 0; lag < PERCEPNET_N_CORRELATIONS; lag++)
        largest = cross[lag] > largest ? cross[lag] : largest;
    printf("correlation: at most %d, plan %d\n", largest, CORRELATION_MAX);
    return largest > CORRELATION_MAX;
}
