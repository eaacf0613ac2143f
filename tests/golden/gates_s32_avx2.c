/* tanh, sigmoid and the gates of a GRU, eight at a time. The interpolation fits int32: a step of
 * the table times a fraction is at most 2130533077. */
#include "kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define PERCEPNET_ISA __attribute__((target("avx2")))
#include "gates.h"
#include "x86.h"

PERCEPNET_INLINE __m256i rounded(__m256i x, int shift)
{
    return _mm256_srai_epi32(_mm256_add_epi32(x, _mm256_set1_epi32((1 << shift) >> 1)), shift);
}

/* table entry and the next one */
PERCEPNET_INLINE __m128i pair(int64_t at)
{
    return _mm_loadl_epi64((const void *)(percepnet_tanh_q30 + at));
}

/* the table at two places and right beside them */
PERCEPNET_INLINE __m128i two_pairs(__m128i at)
{
    return _mm_unpacklo_epi64(pair(_mm_cvtsi128_si64(at)), pair(_mm_extract_epi64(at, 1)));
}

/* the same at four: a quarter faster than a gather instruction */
PERCEPNET_INLINE __m256i pairs(__m256i at)
{
    return _mm256_setr_m128i(two_pairs(_mm256_castsi256_si128(at)),
                             two_pairs(_mm256_extracti128_si256(at, 1)));
}

/* lut_lerp of |x|, at most `last`, Q30 */
PERCEPNET_INLINE __m256i size_q30(__m256i x_q12, int last, int shift)
{
    __m256i size = _mm256_min_epu32(_mm256_abs_epi32(x_q12), _mm256_set1_epi32(last));
    __m256i at = _mm256_srli_epi32(size, shift);
    __m256i fraction = _mm256_and_si256(size, _mm256_set1_epi32((1 << shift) - 1));
    __m256i even = pairs(_mm256_blend_epi32(at, _mm256_setzero_si256(), 0xAA));
    __m256i odd = pairs(_mm256_srli_epi64(at, 32));
    __m256i left = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA);
    __m256i right = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
    __m256i way = _mm256_mullo_epi32(_mm256_sub_epi32(right, left), fraction);
    return _mm256_add_epi32(left, rounded(way, shift));
}

/* Q15 in 32 bits each */
PERCEPNET_INLINE __m256i tanh8(__m256i x_q12)
{
    __m256i size = rounded(size_q30(x_q12, 32767, 6), 15);
    return _mm256_sign_epi32(_mm256_min_epi32(size, _mm256_set1_epi32(INT16_MAX)), x_q12);
}

PERCEPNET_INLINE __m256i sigmoid8(__m256i x_q12)
{
    __m256i t_q30 = _mm256_sign_epi32(size_q30(x_q12, 65535, 7), x_q12);
    /* 1 + t and the rounding may reach 2^31: without a sign */
    __m256i sum = _mm256_add_epi32(t_q30, _mm256_set1_epi32((1 << 30) + (1 << 15)));
    return _mm256_min_epi32(_mm256_srli_epi32(sum, 16), _mm256_set1_epi32(INT16_MAX));
}

PERCEPNET_INLINE void put(int16_t *out, __m256i x)
{
    __m256i packed = _mm256_permute4x64_epi64(_mm256_packs_epi32(x, x), 0x08);
    _mm_storeu_si128((void *)out, _mm256_castsi256_si128(packed));
}

PERCEPNET_ISA void percepnet_tanh_s32_avx2(int16_t *out_q15, const int32_t *pre_q12, int n)
{
    int i = 0;
    for (; i + 8 <= n; i += 8)
        put(out_q15 + i, tanh8(load(pre_q12 + i)));
    for (; i < n; i++)
        out_q15[i] = tanh_q15(pre_q12[i]);
}

PERCEPNET_ISA void percepnet_sigmoid_s32_avx2(int16_t *out_q15, const int32_t *pre_q12, int n)
{
    int i = 0;
    for (; i + 8 <= n; i += 8)
        put(out_q15 + i, sigmoid8(load(pre_q12 + i)));
    for (; i < n; i++)
        out_q15[i] = sigmoid_q15(pre_q12[i]);
}

/* rounded Q15 product of gate and pre-activation: of 64 bits, the low half of the result */
PERCEPNET_INLINE __m256i scale(__m256i gate_q15, __m256i x)
{
    const __m256i half = _mm256_set1_epi64x(1 << 14);
    __m256i even = _mm256_add_epi64(_mm256_mul_epi32(gate_q15, x), half);
    __m256i odd = _mm256_mul_epi32(_mm256_srli_epi64(gate_q15, 32), _mm256_srli_epi64(x, 32));
    odd = _mm256_slli_epi64(_mm256_add_epi64(odd, half), 32 - 15);
    return _mm256_blend_epi32(_mm256_srli_epi64(even, 15), odd, 0xAA);
}

PERCEPNET_ISA void percepnet_gru_s32_avx2(int16_t *h_q15, const int32_t *x_q12,
                                          const int32_t *hidden_q12, int units)
{
    const int32_t *xz = x_q12 + units, *xn = xz + units;
    const int32_t *hz = hidden_q12 + units, *hn = hz + units;
    int i = 0;
    for (; i + 8 <= units; i += 8) {
        __m256i r = sigmoid8(_mm256_add_epi32(load(x_q12 + i), load(hidden_q12 + i)));
        __m256i z = sigmoid8(_mm256_add_epi32(load(xz + i), load(hz + i)));
        __m256i n = tanh8(_mm256_add_epi32(load(xn + i), scale(r, load(hn + i))));
        __m256i h = _mm256_cvtepi16_epi32(_mm_loadu_si128((const void *)(h_q15 + i)));
        __m256i way = _mm256_mullo_epi32(z, _mm256_sub_epi32(h, n));
        put(h_q15 + i, _mm256_add_epi32(n, rounded(way, 15)));
    }
    for (; i < units; i++)
        h_q15[i] = gru_unit_q15(h_q15[i], x_q12, hidden_q12, units, i);
}
#endif
