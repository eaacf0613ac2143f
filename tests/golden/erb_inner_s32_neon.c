/* Inner products of two spectra by band, four bins at a time. A 64-bit product times its weight
 * is summed as two halves of 32 bits. */
#include "kernels.h"

#if defined(__ARM_NEON)
#include <arm_neon.h>

#include "params.h"
#include "tables.h"

typedef struct {
    int64x2_t total, rising_high;
    uint64x2_t rising_low;
} band;

static inline int32x4_t bins(const int32_t *x)
{
    return vrshrq_n_s32(vld1q_s32(x), PERCEPNET_ENERGY_SHIFT);
}

/* bins j..j + 3, where `mask` is set */
static inline void accumulate(band *sum, const int32_t *a_re, const int32_t *a_im,
                              const int32_t *b_re, const int32_t *b_im, int j, int32x4_t mask)
{
    int32x4_t re = vandq_s32(bins(a_re + j), mask), im = vandq_s32(bins(a_im + j), mask);
    int32x4_t b = bins(b_re + j), c = bins(b_im + j);
    uint32x4_t weight = vreinterpretq_u32_s32(vmovl_s16(vld1_s16(percepnet_rise_q11 + j)));
    int64x2_t low = vmull_s32(vget_low_s32(re), vget_low_s32(b));
    int64x2_t high = vmull_s32(vget_high_s32(re), vget_high_s32(b));
    low = vmlal_s32(low, vget_low_s32(im), vget_low_s32(c));
    high = vmlal_s32(high, vget_high_s32(im), vget_high_s32(c));
    sum->total = vaddq_s64(sum->total, vaddq_s64(low, high));
    uint32x4x2_t halves = vuzpq_u32(vreinterpretq_u32_s64(low), vreinterpretq_u32_s64(high));
    int32x4_t tops = vreinterpretq_s32_u32(halves.val[1]), w = vreinterpretq_s32_u32(weight);
    sum->rising_low = vmlal_u32(sum->rising_low, vget_low_u32(halves.val[0]), vget_low_u32(weight));
    sum->rising_low = vmlal_u32(sum->rising_low, vget_high_u32(halves.val[0]), vget_high_u32(weight));
    sum->rising_high = vmlal_s32(sum->rising_high, vget_low_s32(tops), vget_low_s32(w));
    sum->rising_high = vmlal_s32(sum->rising_high, vget_high_s32(tops), vget_high_s32(w));
}

static inline int64_t both(int64x2_t a)
{
    return vgetq_lane_s64(a, 0) + vgetq_lane_s64(a, 1);
}

void percepnet_erb_inner_s32_neon(int64_t *sums, const int32_t *a_re, const int32_t *a_im,
                                  const int32_t *b_re, const int32_t *b_im)
{
    static const int32_t masks[8] = {-1, -1, -1, -1, 0, 0, 0, 0};
    const int32x4_t every = vdupq_n_s32(-1);
    int64_t from_below = 0; /* rising half of band i, left by the interval before */
    int j = 0;
    for (int i = 0; i < PERCEPNET_N_BANDS - 1; i++) {
        int end = percepnet_band_peaks[i + 1];
        band sum = {vdupq_n_s64(0), vdupq_n_s64(0), vdupq_n_u64(0)};
        for (; j + 4 < end; j += 4)
            accumulate(&sum, a_re, a_im, b_re, b_im, j, every);
        accumulate(&sum, a_re, a_im, b_re, b_im, j, vld1q_s32(masks + 4 - (end - j)));
        j = end;
        int64_t rising = both(sum.rising_high) * (INT64_C(1) << 32)
                         + both(vreinterpretq_s64_u64(sum.rising_low));
        sums[i] = from_below + both(sum.total) * (1 << PERCEPNET_RISE_BITS) - rising;
        from_below = rising;
    }
    sums[0] *= 2; /* the end bands are half triangles: counted twice */
    sums[PERCEPNET_N_BANDS - 1] = 2 * from_below;
}
#endif
