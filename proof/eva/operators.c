#include "prove.h"

static int64_t any(int64_t low, int64_t high)
{
    return Frama_C_long_long_interval(low, high);
}

/* every operator over the whole of its stated domain: no overflow, no shift out of range */
void prove_operators(void)
{
    const int64_t far = (INT64_C(1) << 62) - 1;
    const int32_t a = Frama_C_interval(INT32_MIN, INT32_MAX);
    const int32_t b = Frama_C_interval(INT32_MIN, INT32_MAX);
    const int16_t c = (int16_t)Frama_C_interval(INT16_MIN, INT16_MAX);
    const int16_t d = (int16_t)Frama_C_interval(INT16_MIN, INT16_MAX);
    sat16(any(INT64_MIN, INT64_MAX));
    sat32(any(INT64_MIN, INT64_MAX));
    EACH(n, 63) {
        rshift_round(any(-far, far), n);
        shift_round(any(-(far >> n), far >> n), n);
        mul_q(a, b, n);
        if (n <= 30) {
            div_q(any(-(far >> n), far >> n), any(1, far), n);
        }
    }
    mul_q15(c, d);
    mul_q31(a, b);
    END();
}

/* square root of every uint64, by its number of bits */
void prove_isqrt64(void)
{
    EACH(bits, 64)
        isqrt64(Frama_C_unsigned_long_long_interval((uint64_t)smallest(bits),
                                                    (uint64_t)largest_of(bits)));
    isqrt64(Frama_C_unsigned_long_long_interval(UINT64_C(1) << 63, UINT64_MAX));
    END();
}

static void logarithm(uint64_t low, uint64_t high)
{
    log2_q16(Frama_C_unsigned_long_long_interval(low, high));
}

/* logarithm of every uint64, by its number of bits; its value is piece log2 */
void prove_log2_q16(void)
{
    EACH(bits, 64)
        logarithm((uint64_t)smallest(bits), (uint64_t)largest_of(bits));
    logarithm(UINT64_C(1) << 63, UINT64_MAX);
    END();
}

/* tanh and sigmoid of every int32 */
void prove_tanh_q15(void)
{
    tanh_q15(Frama_C_interval(INT32_MIN, INT32_MAX));
    sigmoid_q15(Frama_C_interval(INT32_MIN, INT32_MAX));
    END();
}
