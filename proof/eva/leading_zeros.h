/* __builtin_clzll as a sum of comparisons, which intervals follow exactly. */
#ifndef LEADING_ZEROS_H
#define LEADING_ZEROS_H

static inline int leading_zeros(unsigned long long x)
{
#define BIT(k) (x >= 1ULL << (k))
#define BITS(k) (BIT(k) + BIT(k + 1) + BIT(k + 2) + BIT(k + 3))
#define MORE(k) (BITS(k) + BITS(k + 4) + BITS(k + 8) + BITS(k + 12))
    return 64 - (MORE(0) + MORE(16) + MORE(32) + MORE(48));
#undef BIT
#undef BITS
#undef MORE
}

#endif
