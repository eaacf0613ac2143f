/* Correlation at every lag that the pitch tracker looks at, four lags at a time. */
#include "kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define PERCEPNET_ISA __attribute__((target("avx2")))
#include "params.h"
#include "x86.h"

/* sums of four accumulators of eight lanes each */
PERCEPNET_INLINE __m128i sums(const __m256i acc[4])
{
    __m256i low = _mm256_hadd_epi32(acc[0], acc[1]), high = _mm256_hadd_epi32(acc[2], acc[3]);
    return add_halves(_mm256_hadd_epi32(low, high));
}

/* lags `lag`..`lag` + 3, newest[0] at `past` for the first of them */
PERCEPNET_INLINE __m128i four(const int16_t *newest, const int16_t *past)
{
    __m256i acc[4];
    for (int n = 0; n < 4; n++)
        acc[n] = _mm256_setzero_si256();
    const int whole = PERCEPNET_CORRELATION_WINDOW / 16 * 16;
    for (int i = 0; i < whole; i += 16)
        for (int n = 0; n < 4; n++)
            acc[n] = _mm256_add_epi32(acc[n], _mm256_madd_epi16(load(newest + i), load(past + i - n)));
    for (int i = whole; i < PERCEPNET_CORRELATION_WINDOW; i += 4)
        for (int n = 0; n < 4; n++) {
            __m128i a = _mm_loadl_epi64((const void *)(newest + i));
            __m128i b = _mm_loadl_epi64((const void *)(past + i - n));
            __m256i rest = _mm256_inserti128_si256(_mm256_setzero_si256(), _mm_madd_epi16(a, b), 0);
            acc[n] = _mm256_add_epi32(acc[n], rest);
        }
    return sums(acc);
}

typedef char percepnet_window_is_whole_quads[PERCEPNET_CORRELATION_WINDOW % 4 == 0 ? 1 : -1];

PERCEPNET_INLINE void put(int32_t *cross, __m128i a)
{
    _mm_storeu_si128((void *)cross, a);
}

PERCEPNET_ISA void percepnet_correlate_s16_avx2(int32_t *cross, const int16_t *newest)
{
    const int16_t *past = newest - PERCEPNET_LAG_MIN;
    for (int lag = 0; lag + 4 <= PERCEPNET_N_CORRELATIONS; lag += 4)
        put(cross + lag, four(newest, past - lag));
    /* the last ones once more, so that there is no tail */
    put(cross + PERCEPNET_N_CORRELATIONS - 4, four(newest, past - (PERCEPNET_N_CORRELATIONS - 4)));
}
#endif
