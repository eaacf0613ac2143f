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
