/* Triangular bands on the ERB scale: band sums and interpolation. */
#include "erb.h"

#include "fixed.h"
#include "tables.h"

void percepnet_erb_inner(const percepnet_kernels *kernels, int64_t sums[PERCEPNET_N_BANDS],
                         const percepnet_spectrum *a, const percepnet_spectrum *b)
{
    kernels->erb_inner_s32(sums, a->re, a->im, b->re, b->im);
}

enum { LAST = PERCEPNET_ACTIVE_BINS - 8 };

static inline void eight(int16_t *restrict bins, int first, int32_t low, int32_t step)
{
    const int16_t *rise_q11 = percepnet_rise_q11 + first;
    bins += first;
    for (int j = 0; j < 8; j++)
        bins[j] = (int16_t)(low + ((step * rise_q11[j] + (1 << 10)) >> PERCEPNET_RISE_BITS));
}

/* eight at a time: what lies beyond a band is written anew by the next one */
void percepnet_erb_interpolate(int16_t bins[PERCEPNET_ACTIVE_BINS],
                               const int16_t bands[PERCEPNET_N_BANDS])
{
    for (int i = 0; i < PERCEPNET_N_BANDS - 1; i++) {
        const int32_t low = bands[i], step = bands[i + 1] - low;
        for (int j = percepnet_band_peaks[i]; j < percepnet_band_peaks[i + 1]; j += 8)
            eight(bins, j < LAST ? j : LAST, low, step);
    }
}
