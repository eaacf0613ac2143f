/* tanh, sigmoid and the gates of a GRU, sixteen at a time in 16 bits: the coefficients of tanh's
 * cubic lie in registers and are looked up there (VPSHUFB). */
#include "kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define PERCEPNET_ISA __attribute__((target("avx2")))
#include "gates.h"
#include "x86.h"

/* coefficients of points 0 to 7 and of 8 to 15, twice */
typedef struct {
    __m256i low[4], high[4];
} cubics;

PERCEPNET_INLINE __m256i twice(const int16_t *from)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)from));
}

PERCEPNET_INLINE cubics load_cubics(void)
{
    cubics table;
    for (int i = 0; i < 4; i++) {
        table.low[i] = twice(percepnet_tanh_cubics_q15 + 16 * i);
        table.high[i] = twice(percepnet_tanh_cubics_q15 + 16 * i + 8);
    }
    return table;
}

/* a place of 128 or more gives 0: one of the two halves does */
PERCEPNET_INLINE __m256i tanh_of_size(const cubics *table, __m256i size)
{
    __m256i point = _mm256_mulhrs_epi16(size, _mm256_set1_epi16(15));
    __m256i offset_q15 = _mm256_mullo_epi16(size, _mm256_set1_epi16(30)); /* modulo 2^16 */
    __m256i at = _mm256_mullo_epi16(point, _mm256_set1_epi16(0x0202));
    __m256i at_low = _mm256_add_epi8(at, _mm256_set1_epi16(0x7170));
    __m256i at_high = _mm256_add_epi8(at, _mm256_set1_epi16((int16_t)0xF1F0));
    __m256i y = _mm256_setzero_si256();
    for (int i = 0; i < 4; i++) {
        __m256i coefficient = _mm256_or_si256(_mm256_shuffle_epi8(table->low[i], at_low),
                                              _mm256_shuffle_epi8(table->high[i], at_high));
        y = _mm256_add_epi16(coefficient, _mm256_mulhrs_epi16(y, offset_q15));
    }
    return y;
}

/* |x|, at most INT16_MAX */
PERCEPNET_INLINE __m256i size_of(__m256i x)
{
    return _mm256_max_epi16(x, _mm256_subs_epi16(_mm256_setzero_si256(), x));
}

PERCEPNET_INLINE __m256i tanh16(const cubics *table, __m256i x_6k)
{
    return _mm256_sign_epi16(tanh_of_size(table, size_of(x_6k)), x_6k);
}

/* (32769 + tanh) / 2 without a sign; what the sign turns is one less than -tanh */
PERCEPNET_INLINE __m256i sigmoid16(const cubics *table, __m256i half_6k)
{
    __m256i sign = _mm256_srai_epi16(half_6k, 15);
    __m256i y = _mm256_xor_si256(tanh_of_size(table, size_of(half_6k)), sign);
    __m256i raised = _mm256_xor_si256(y, _mm256_set1_epi16(INT16_MIN));
    return _mm256_avg_epu16(raised, _mm256_setzero_si256());
}

/* sixteen to 16 bits, saturated: tanh is flat beyond */
PERCEPNET_INLINE __m256i narrow(__m256i low, __m256i high)
{
    return _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xD8);
}

PERCEPNET_INLINE __m256i load16(const int32_t *x)
{
    return narrow(load(x), load(x + 8));
}

PERCEPNET_INLINE __m256i sum16(const int32_t *x, const int32_t *y)
{
    return narrow(_mm256_add_epi32(load(x), load(y)), _mm256_add_epi32(load(x + 8), load(y + 8)));
}

PERCEPNET_INLINE void put(int16_t *out, __m256i x)
{
    _mm256_storeu_si256((void *)out, x);
}

PERCEPNET_INLINE void put_s8(int8_t *out, __m256i x_q15)
{
    __m256i x = _mm256_mulhrs_epi16(x_q15, _mm256_set1_epi16(127));
    __m256i packed = _mm256_permute4x64_epi64(_mm256_packs_epi16(x, x), 0x08);
    _mm_storeu_si128((void *)out, _mm256_castsi256_si128(packed));
}

PERCEPNET_ISA void percepnet_tanh_s32_avx2(int16_t *out_q15, int8_t *out_s8, const int32_t *pre_6k,
                                           int n)
{
    const cubics table = load_cubics();
    int i = 0;
    for (; i + 16 <= n; i += 16) {
        __m256i y = tanh16(&table, load16(pre_6k + i));
        put(out_q15 + i, y);
        put_s8(out_s8 + i, y);
    }
    for (; i < n; i++)
        out_s8[i] = to_s8(out_q15[i] = tanh_q15(pre_6k[i]));
}

PERCEPNET_ISA void percepnet_sigmoid_s32_avx2(int16_t *out_q15, const int32_t *half_6k, int n)
{
    const cubics table = load_cubics();
    int i = 0;
    for (; i + 16 <= n; i += 16)
        put(out_q15 + i, sigmoid16(&table, load16(half_6k + i)));
    for (; i < n; i++)
        out_q15[i] = sigmoid_q15(half_6k[i]);
}

/* x + r h of eight, r in Q15: of 64 bits, the low half of the rounded product */
PERCEPNET_INLINE __m256i candidate(const int32_t *x_6k, const int32_t *hidden_6k, __m128i r_q15)
{
    const __m256i half = _mm256_set1_epi64x(1 << 14);
    __m256i h = load(hidden_6k), r = _mm256_cvtepi16_epi32(r_q15);
    __m256i even = _mm256_add_epi64(_mm256_mul_epi32(r, h), half);
    __m256i odd = _mm256_mul_epi32(_mm256_srli_epi64(r, 32), _mm256_srli_epi64(h, 32));
    odd = _mm256_slli_epi64(_mm256_add_epi64(odd, half), 32 - 15);
    return _mm256_add_epi32(load(x_6k), _mm256_blend_epi32(_mm256_srli_epi64(even, 15), odd, 0xAA));
}

/* n + z (h - n) of the eight that stand low or high in the halves: n in 16 bits above 0 is n << 16 */
PERCEPNET_INLINE __m256i between_lo(__m256i n, __m256i h, __m256i z_q15)
{
    __m256i minus_z = _mm256_sub_epi16(_mm256_setzero_si256(), z_q15);
    __m256i way = _mm256_madd_epi16(_mm256_unpacklo_epi16(n, h),
                                    _mm256_unpacklo_epi16(minus_z, z_q15));
    __m256i n_q15 = _mm256_srai_epi32(_mm256_unpacklo_epi16(_mm256_setzero_si256(), n), 1);
    __m256i sum = _mm256_add_epi32(_mm256_add_epi32(n_q15, way), _mm256_set1_epi32(1 << 14));
    return _mm256_srai_epi32(sum, 15);
}

PERCEPNET_INLINE __m256i between_hi(__m256i n, __m256i h, __m256i z_q15)
{
    __m256i minus_z = _mm256_sub_epi16(_mm256_setzero_si256(), z_q15);
    __m256i way = _mm256_madd_epi16(_mm256_unpackhi_epi16(n, h),
                                    _mm256_unpackhi_epi16(minus_z, z_q15));
    __m256i n_q15 = _mm256_srai_epi32(_mm256_unpackhi_epi16(_mm256_setzero_si256(), n), 1);
    __m256i sum = _mm256_add_epi32(_mm256_add_epi32(n_q15, way), _mm256_set1_epi32(1 << 14));
    return _mm256_srai_epi32(sum, 15);
}

PERCEPNET_ISA void percepnet_gru_s32_avx2(int16_t *h_q15, int8_t *h_s8, const int32_t *x_6k,
                                          const int32_t *hidden_6k, int units)
{
    const cubics table = load_cubics();
    const int32_t *xz = x_6k + units, *xn = xz + units;
    const int32_t *hz = hidden_6k + units, *hn = hz + units;
    int i = 0;
    for (; i + 16 <= units; i += 16) {
        __m256i r = sigmoid16(&table, sum16(x_6k + i, hidden_6k + i));
        __m256i z = sigmoid16(&table, sum16(xz + i, hz + i));
        __m256i first = candidate(xn + i, hn + i, _mm256_castsi256_si128(r));
        __m256i second = candidate(xn + i + 8, hn + i + 8, _mm256_extracti128_si256(r, 1));
        __m256i n = tanh16(&table, narrow(first, second)), h = load(h_q15 + i);
        h = _mm256_packs_epi32(between_lo(n, h, z), between_hi(n, h, z));
        put(h_q15 + i, h);
        put_s8(h_s8 + i, h);
    }
    for (; i < units; i++)
        h_s8[i] = to_s8(h_q15[i] = gru_unit_q15(h_q15[i], x_6k, hidden_6k, units, i));
}
#endif
