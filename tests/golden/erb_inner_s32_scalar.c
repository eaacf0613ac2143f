/* Inner products of two spectra by band: the definition that every other kernel equals. */
#include "fixed.h"
#include "kernels.h"
#include "params.h"
#include "tables.h"

void percepnet_erb_inner_s32_scalar(int64_t *sums, const int32_t *a_re, const int32_t *a_im,
                                    const int32_t *b_re, const int32_t *b_im)
{
    int64_t from_below = 0; /* rising half of band i, left by the interval before */
    for (int i = 0; i < PERCEPNET_N_BANDS - 1; i++) {
        int64_t total = 0, rising = 0;
        for (int j = percepnet_band_peaks[i]; j < percepnet_band_peaks[i + 1]; j++) {
            int64_t product = rshift_round(a_re[j], PERCEPNET_ENERGY_SHIFT) *
                                  rshift_round(b_re[j], PERCEPNET_ENERGY_SHIFT) +
                              rshift_round(a_im[j], PERCEPNET_ENERGY_SHIFT) *
                                  rshift_round(b_im[j], PERCEPNET_ENERGY_SHIFT);
            total += product;
            rising += product * percepnet_rise_q11[j];
        }
        sums[i] = from_below + total * (1 << PERCEPNET_RISE_BITS) - rising;
        from_below = rising;
    }
    sums[0] *= 2; /* the end bands are half triangles: counted twice */
    sums[PERCEPNET_N_BANDS - 1] = 2 * from_below;
}
