/* The 70 inputs of the network, Q12. */
#include "features.h"

#include "erb.h"
#include "fixed.h"

static int16_t coherence_of_band(int64_t y_energy, int64_t cross, int64_t p_energy, int64_t w0)
{
    int64_t largest = y_energy > p_energy ? y_energy : p_energy;
    int shift = PERCEPNET_ENERGY_BITS - bit_length((uint64_t)largest);
    int64_t y = shift_round(y_energy, shift);
    int64_t c = shift_round(cross, shift);
    int64_t p = shift_round(p_energy, shift);
    int64_t cross_rest_q15 = c * 32768 - w0 * y;
    int64_t p_rest_q30 = p * (1 << 30) - 2 * w0 * c * 32768 + w0 * w0 * y;
    uint64_t y_root_q15 = isqrt64((uint64_t)y << 30);
    uint64_t p_root_q15 = isqrt64(p_rest_q30 > 0 ? (uint64_t)p_rest_q30 : 0);
    int64_t norm_q15 = (int64_t)((y_root_q15 * p_root_q15) >> 15);
    if (norm_q15 <= 0 || cross_rest_q15 <= 0)
        return 0;
    return sat16(div_q(cross_rest_q15, norm_q15, 15));
}

void percepnet_features_coherence(int16_t coherence_q15[PERCEPNET_N_BANDS],
                                  const int64_t y_energy[PERCEPNET_N_BANDS],
                                  const int64_t cross[PERCEPNET_N_BANDS],
                                  const int64_t p_energy[PERCEPNET_N_BANDS], int32_t centre_q15)
{
    for (int b = 0; b < PERCEPNET_N_BANDS; b++)
        coherence_q15[b] = coherence_of_band(y_energy[b], cross[b], p_energy[b], centre_q15);
}

void percepnet_features_scale(int16_t features_q12[PERCEPNET_N_FEATURES],
                              const int64_t newest_energy[PERCEPNET_N_BANDS], int32_t frac,
                              const int16_t coherence_q15[PERCEPNET_N_BANDS], int32_t period,
                              int32_t correlation_q15)
{
    const int bits = percepnet_erb_energy_frac(frac);
    const int64_t floor_energy = shift_round(PERCEPNET_FLOOR_Q10, bits - 10);
    const int32_t unit_q16 = (bits + PERCEPNET_SQUARED_FULL_SCALE_BITS) * 65536;
    for (int b = 0; b < PERCEPNET_N_BANDS; b++) {
        int64_t log_q16 = log2_q16((uint64_t)(newest_energy[b] + floor_energy)) - unit_q16;
        features_q12[b] = (int16_t)(rshift_round(log_q16 * PERCEPNET_LOG_SCALE_Q20, 24) +
                                    PERCEPNET_LOG_OFFSET_Q12);
        features_q12[PERCEPNET_N_BANDS + b] = (int16_t)(rshift_round(coherence_q15[b], 2) - 4096);
    }
    features_q12[2 * PERCEPNET_N_BANDS] = (int16_t)rshift_round(
        (int64_t)(period - PERCEPNET_PERIOD_OFFSET) * PERCEPNET_PERIOD_SCALE_Q24, 12);
    features_q12[2 * PERCEPNET_N_BANDS + 1] =
        (int16_t)(rshift_round(correlation_q15, 2) - 4096);
}
