/* What the x86 kernels share: 256-bit vectors of 8 rows. PERCEPNET_ISA names the instructions. */
#ifndef PERCEPNET_X86_H
#define PERCEPNET_X86_H

#include <immintrin.h>
#include <string.h>

#include "kernels.h"

/* 4 inputs, eight times */
PERCEPNET_ISA static inline __m256i repeat(const int8_t *x)
{
    int32_t four;
    memcpy(&four, x, sizeof four);
    return _mm256_set1_epi32(four);
}

/* 4 rows: the products of two lanes of 32 bits, shifted right with rounding. AVX2 has no
 * arithmetic shift of 64 bits; a product plus 2^62 is positive, and 2^(62 - shift) leaves again. */
PERCEPNET_ISA static inline __m128i requantise4(__m128i acc, __m128i mult, int shift)
{
    __m256i offset = _mm256_set1_epi64x((INT64_C(1) << 62) + ((INT64_C(1) << shift) >> 1));
    __m256i product = _mm256_mul_epi32(_mm256_cvtepi32_epi64(acc), _mm256_cvtepi32_epi64(mult));
    product = _mm256_srl_epi64(_mm256_add_epi64(product, offset), _mm_cvtsi32_si128(shift));
    product = _mm256_sub_epi64(product, _mm256_set1_epi64x((INT64_C(1) << 62) >> shift));
    __m256i low = _mm256_permutevar8x32_epi32(product, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
    return _mm256_castsi256_si128(low);
}

/* the next 8 rows */
PERCEPNET_ISA static inline void requantise(int32_t *out_q12, __m256i acc, const int32_t *mult,
                                            int shift)
{
    __m128i low = _mm_loadu_si128((const void *)mult);
    __m128i high = _mm_loadu_si128((const void *)(mult + 4));
    low = requantise4(_mm256_castsi256_si128(acc), low, shift);
    high = requantise4(_mm256_extracti128_si256(acc, 1), high, shift);
    _mm_storeu_si128((void *)out_q12, low);
    _mm_storeu_si128((void *)(out_q12 + 4), high);
}

PERCEPNET_ISA static inline __m256i load(const void *from)
{
    return _mm256_loadu_si256(from);
}

/* 4 inputs four times, and the 4 after them: for two column groups of 4 rows */
PERCEPNET_ISA static inline __m256i two(const int8_t *x)
{
    int32_t first, second;
    memcpy(&first, x, sizeof first);
    memcpy(&second, x + 4, sizeof second);
    return _mm256_setr_m128i(_mm_set1_epi32(first), _mm_set1_epi32(second));
}

/* 4 rows whose sums lie in both halves, without the bias yet */
PERCEPNET_ISA static inline void requantise_last(int32_t *out_q12, __m256i acc,
                                                 const percepnet_matrix *m, int row)
{
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(acc), _mm256_extracti128_si256(acc, 1));
    sum = _mm_add_epi32(sum, _mm_loadu_si128((const void *)(m->bias + row)));
    __m128i mult = _mm_loadu_si128((const void *)(m->mult + row));
    _mm_storeu_si128((void *)out_q12, requantise4(sum, mult, m->shift));
}

#endif
