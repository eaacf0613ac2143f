/* Inner products of two spectra by band, four bins at a time with VMLALDAV, which sums in 64 bits.
 * A bin times its weight would not fit 32 bits: it is taken as 8 times what is above its three lowest
 * bits, and these. */
#include "kernels.h"

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>

#include "params.h"
#include "tables.h"

typedef struct {
    int64_t total, rising_high, rising_low;
} band;

/* zeros where `mask` is not set */
static inline int32x4_t bins(const int32_t *x, mve_pred16_t mask)
{
    return vrshrq_n_s32(vldrwq_z_s32(x, mask), PERCEPNET_ENERGY_SHIFT);
}

static inline band accumulate(band sum, int32x4_t a, int32x4_t b, int32x4_t weight_q11)
{
    int32x4_t high = vmulq_s32(vshrq_n_s32(b, 3), weight_q11);
    int32x4_t low = vmulq_s32(vandq_s32(b, vdupq_n_s32(7)), weight_q11);
    return (band){vmlaldavaq_s32(sum.total, a, b), vmlaldavaq_s32(sum.rising_high, a, high),
                  vmlaldavaq_s32(sum.rising_low, a, low)};
}

void percepnet_erb_inner_s32_helium(int64_t *sums, const int32_t *a_re, const int32_t *a_im,
                                    const int32_t *b_re, const int32_t *b_im)
{
    int64_t from_below = 0; /* rising half of band i, left by the interval before */
    for (int i = 0; i < PERCEPNET_N_BANDS - 1; i++) {
        const int end = percepnet_band_peaks[i + 1];
        band sum = {0, 0, 0};
        for (int j = percepnet_band_peaks[i]; j < end; j += 4) {
            const mve_pred16_t mask = vctp32q((uint32_t)(end - j));
            int32x4_t weight_q11 = vldrhq_z_s32(percepnet_rise_q11 + j, mask);
            sum = accumulate(sum, bins(a_re + j, mask), bins(b_re + j, mask), weight_q11);
            sum = accumulate(sum, bins(a_im + j, mask), bins(b_im + j, mask), weight_q11);
        }
        const int64_t rising = 8 * sum.rising_high + sum.rising_low;
        sums[i] = from_below + sum.total * (1 << PERCEPNET_RISE_BITS) - rising;
        from_below = rising;
    }
    sums[0] *= 2; /* the end bands are half triangles: counted twice */
    sums[PERCEPNET_N_BANDS - 1] = 2 * from_below;
}
#endif
