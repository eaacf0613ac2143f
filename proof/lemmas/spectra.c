/* Relations between bits that ranges cannot follow, for ESBMC. */
#include <assert.h>
#include <stdint.h>

#include "fixed.h"

int32_t any_int32(void);

static int64_t size_of(int64_t x)
{
    return x < 0 ? -x : x;
}

/* Energies of y are kept and shifted, cross products are of y itself with `drop` bits less. With
 * this |cross|^2 <= (9/4)^2 kept * p_energy, but for half a unit: |cross| <= 4 max(both). */
void kept_energy(void)
{
    int32_t y = any_int32();
    int drop = any_int32();
    __ESBMC_assume(y >= -(1 << 30) && y <= 1 << 30 && drop >= 1 && drop <= 15);
    int64_t kept = size_of(rshift_round(y, 7));
    int64_t used = size_of(rshift_round(rshift_round(y, drop), 7));
    assert(used * (INT64_C(4) << drop) <= 9 * kept);
}

void headroom(void)
{
    int32_t peak = any_int32(), size = any_int32(), most = any_int32();
    __ESBMC_assume(peak >= 0 && peak <= 32768 && size >= 0 && size <= peak);
    int raise = (int)clamp(15 - bit_length((uint32_t)peak), 0, 15);
    assert((int64_t)size << raise <= 32768);

    int32_t comb_peak = any_int32(), comb_size = any_int32();
    __ESBMC_assume(comb_peak >= 0 && comb_peak <= 1 << 30 && comb_size >= 0);
    __ESBMC_assume(comb_size <= comb_peak && most >= 0 && most <= 15);
    raise = (int)clamp(30 - bit_length((uint32_t)comb_peak), 0, most);
    assert(raise >= 0 && (int64_t)comb_size << raise <= 1 << 30);
}
