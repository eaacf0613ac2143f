/* Correlation at every lag that the pitch tracker looks at with VMLADAV: eight products at a time, of two lags. */
#include "kernels.h"

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>
#include <string.h>

#include "params.h"

enum { WHOLE = (PERCEPNET_CORRELATION_WINDOW + 7) / 8 * 8 };

/* what is read beyond the window, and met with zeros, is not beyond the newest sample */
typedef char percepnet_window_is_whole[WHOLE - PERCEPNET_CORRELATION_WINDOW <= PERCEPNET_LAG_MIN ? 1 : -1];
typedef char percepnet_lags_are_pairs[PERCEPNET_N_CORRELATIONS % 2 == 0 ? 1 : -1];

void percepnet_correlate_s16_helium(int32_t *cross, const int16_t *newest)
{
    int16_t whole[WHOLE] = {0};
    memcpy(whole, newest, PERCEPNET_CORRELATION_WINDOW * sizeof *newest);
    for (int lag = 0; lag < PERCEPNET_N_CORRELATIONS; lag += 2) {
        const int16_t *past = newest - PERCEPNET_LAG_MIN - lag;
        int32_t a = 0, b = 0;
        for (int i = 0; i < WHOLE; i += 8) {
            int16x8_t x = vld1q_s16(whole + i);
            a = vmladavaq_s16(a, x, vld1q_s16(past + i));
            b = vmladavaq_s16(b, x, vld1q_s16(past + i - 1));
        }
        cross[lag] = a;
        cross[lag + 1] = b;
    }
}
#endif
