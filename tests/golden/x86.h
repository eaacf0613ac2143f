/* What the x86 kernels share: 256-bit vectors of 8 rows. PERCEPNET_ISA names the instructions. */
#ifndef PERCEPNET_X86_H
#define PERCEPNET_X86_H

#include <immintrin.h>
#include <string.h>

#include "kernels.h"

#define PERCEPNET_INLINE PERCEPNET_ISA static inline __attribute__((always_inline))

PERCEPNET_INLINE __m256i load(const void *from)
{
    return _mm256_loadu_si256(from);
}

PERCEPNET_INLINE __m128i load4(const int32_t *from)
{
    return _mm_loadu_si128((const void *)from);
}

/* 4 inputs of 8 bits or 2 of 16, eight times */
PERCEPNET_INLINE __m256i repeat(const void *x)
{
    int32_t inputs;
    memcpy(&inputs, x, sizeof inputs);
    return _mm256_set1_epi32(inputs);
}

PERCEPNET_INLINE __m128i add_halves(__m256i a)
{
    return _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
}

/* four accumulators from `row` on times mult, shifted right by 31 with rounding: of 64 bits, the low
 * half of the result, which no sign reaches */
PERCEPNET_INLINE void requantise4(int32_t *out_6k, __m128i acc, const percepnet_matrix *m, int row)
{
    __m256i mult = _mm256_cvtepi32_epi64(load4(m->mult + row));
    __m256i product = _mm256_mul_epi32(_mm256_cvtepi32_epi64(acc), mult);
    product = _mm256_srli_epi64(_mm256_add_epi64(product, _mm256_set1_epi64x(1 << 30)), 31);
    __m256i low = _mm256_permutevar8x32_epi32(product, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
    _mm_storeu_si128((void *)(out_6k + row), _mm256_castsi256_si128(low));
}

/* the same of eight */
PERCEPNET_INLINE void requantise(int32_t *out_6k, __m256i acc, const percepnet_matrix *m, int row)
{
    requantise4(out_6k, _mm256_castsi256_si128(acc), m, row);
    requantise4(out_6k, _mm256_extracti128_si256(acc, 1), m, row + 4);
}

#endif
