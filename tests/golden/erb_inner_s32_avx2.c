/* Inner products of two spectra by band, four bins at a time. A 64-bit product times its weight
 * is summed as two halves of 32 bits. */
#include "kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define PERCEPNET_ISA __attribute__((target("avx2")))
#include "params.h"
#include "tables.h"
#include "x86.h"

typedef struct {
    __m256i total, rising_low, rising_high;
} band;

/* four bins, each at the bottom of 64 bits */
PERCEPNET_INLINE __m256i bins(const int32_t *x)
{
    __m128i half = _mm_set1_epi32(1 << (PERCEPNET_ENERGY_SHIFT - 1));
    return _mm256_cvtepi32_epi64(_mm_srai_epi32(_mm_add_epi32(load4(x), half), PERCEPNET_ENERGY_SHIFT));
}

/* bins j..j + 3, where `mask` is set */
PERCEPNET_INLINE void accumulate(band *sum, const int32_t *a_re, const int32_t *a_im,
                                 const int32_t *b_re, const int32_t *b_im, int j, __m256i mask)
{
    __m256i re = _mm256_mul_epi32(bins(a_re + j), bins(b_re + j));
    __m256i im = _mm256_mul_epi32(bins(a_im + j), bins(b_im + j));
    __m256i product = _mm256_and_si256(_mm256_add_epi64(re, im), mask);
    __m256i weight = _mm256_cvtepi16_epi64(_mm_loadl_epi64((const void *)(percepnet_rise_q11 + j)));
    __m256i low = _mm256_mul_epu32(product, weight);
    __m256i high = _mm256_mul_epi32(_mm256_srli_epi64(product, 32), weight);
    sum->total = _mm256_add_epi64(sum->total, product);
    sum->rising_low = _mm256_add_epi64(sum->rising_low, low);
    sum->rising_high = _mm256_add_epi64(sum->rising_high, high);
}

PERCEPNET_INLINE int64_t all(__m256i a)
{
    __m128i two = _mm_add_epi64(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    return _mm_cvtsi128_si64(two) + _mm_extract_epi64(two, 1);
}

PERCEPNET_ISA void percepnet_erb_inner_s32_avx2(int64_t *sums, const int32_t *a_re, const int32_t *a_im,
                                                const int32_t *b_re, const int32_t *b_im)
{
    static const int64_t masks[8] = {-1, -1, -1, -1, 0, 0, 0, 0};
    int64_t from_below = 0; /* rising half of band i, left by the interval before */
    int j = 0;
    for (int i = 0; i < PERCEPNET_N_BANDS - 1; i++) {
        int end = percepnet_band_peaks[i + 1];
        band sum = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
        for (; j + 4 < end; j += 4)
            accumulate(&sum, a_re, a_im, b_re, b_im, j, load(masks));
        accumulate(&sum, a_re, a_im, b_re, b_im, j, load(masks + 4 - (end - j)));
        j = end;
        int64_t rising = all(sum.rising_high) * (INT64_C(1) << 32) + all(sum.rising_low);
        sums[i] = from_below + all(sum.total) * (1 << PERCEPNET_RISE_BITS) - rising;
        from_below = rising;
    }
    sums[0] *= 2; /* the end bands are half triangles: counted twice */
    sums[PERCEPNET_N_BANDS - 1] = 2 * from_below;
}
#endif
