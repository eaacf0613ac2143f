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
    norm_shift(a);
    norm_shift64(any(INT64_MIN, INT64_MAX));
    clz32((uint32_t)b);
    END();
}

/* square root of every uint64, by its number of bits */
void prove_isqrt64(void)
{
    EACH(bits, 65)
        isqrt64(Frama_C_unsigned_long_long_interval((uint64_t)smallest(bits),
                                                    bits == 64 ? UINT64_MAX
                                                               : (uint64_t)largest_of(bits)));
    END();
}

/* logarithm of every uint64, by its number of bits and its 7 leading digits */
void prove_log2_q16(void)
{
    log2_q16(0);
    EACH(bits, 64) {
        const uint64_t first = UINT64_C(1) << bits;
        if (bits < 7) {
            for (uint64_t x = first; x < 2 * first; x++)
                log2_q16(x);
            continue;
        }
        EACH(part, 128) {
            const uint64_t low = first + ((uint64_t)part << (bits - 7));
            int32_t log_q16 = log2_q16(Frama_C_unsigned_long_long_interval(
                low, low + (UINT64_C(1) << (bits - 7)) - 1));
            //@ assert 0 <= log_q16 <= 64 * 65536;
        }
    }
    END();
}

/* tanh and sigmoid of every int32, by the nearest of the 16 points */
void prove_tanh_q15(void)
{
    EACH(part, 256) {
        const int32_t low = 128 * part;
        int16_t up = tanh_q15(Frama_C_interval(low, low + 127));
        int16_t down = tanh_q15(Frama_C_interval(-low - 127, -low));
        sigmoid_q15(Frama_C_interval(low, low + 127));
        sigmoid_q15(Frama_C_interval(-low - 127, -low));
    }
    tanh_q15(Frama_C_interval(32768, INT32_MAX));
    tanh_q15(Frama_C_interval(INT32_MIN, -32768));
    sigmoid_q15(Frama_C_interval(32768, INT32_MAX));
    sigmoid_q15(Frama_C_interval(INT32_MIN, -32768));
    END();
}
