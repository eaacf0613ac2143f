/* Operators against their definitions in 128 bits, for ESBMC. */
#include <assert.h>
#include <stdint.h>

#include "fixed.h"

int64_t any_int64(void);
uint64_t any_uint64(void);
int any_int(void);

void rounded(void)
{
    int64_t x = any_int64();
    int n = any_int();
    __ESBMC_assume(x > -(INT64_C(1) << 62) && x < INT64_C(1) << 62 && n >= 0 && n <= 62);
    const __int128 unit = (__int128)1 << n, result = rshift_round(x, n);
    const __int128 raised = (__int128)x + (unit >> 1);
    assert(result * unit <= raised && raised < result * unit + unit);
}

void bits(void)
{
    uint64_t x = any_uint64();
    int n = bit_length(x);
    assert(n >= 0 && n <= 64 && (n == 64 || x >> n == 0));
    assert(n == 0 ? x == 0 : x >> (n - 1) == 1);
}

void saturated(void)
{
    int64_t x = any_int64();
    assert(sat16(x) == (x < -32768 ? -32768 : x > 32767 ? 32767 : x));
    assert(sat32(x) == (x < -2147483648LL ? -2147483648LL : x > 2147483647LL ? 2147483647LL : x));
}

/* C99 (6.5.5) has n = whole * den + rest, |rest| < den, rest of the sign of n: said here, as products
 * of two unknowns are beyond a solver. Shown: div_q is floor(n / den), as n - div_q * den, which is
 * `left`, lies in 0..den - 1. With n = num 2^q + floor(den / 2) that floor is num 2^q / den rounded half
 * up: floor((m + floor(d / 2)) / d) = floor(m / d + 1 / 2) for integers m, d > 0, d even or odd. */
void divided(void)
{
    const int64_t num = any_int64(), den = any_int64();
    const int q = any_int();
    __ESBMC_assume(q >= 0 && q <= 30 && den > 0 && den < INT64_C(1) << 62);
    __ESBMC_assume(num > -(INT64_C(1) << 62 >> q) && num < INT64_C(1) << 62 >> q);
    const int64_t n = num * (INT64_C(1) << q) + (den >> 1), whole = n / den, rest = n % den;
    __ESBMC_assume(rest < den && -rest < den && (n < 0 ? rest <= 0 : rest >= 0));
    const int64_t below = whole - div_q(num, den, q);
    assert(below == 0 || below == 1);
    const int64_t left = rest + (below ? den : 0);
    assert(left >= 0 && left < den);
}
