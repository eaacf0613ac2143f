/* What every driver of Eva needs. The ranges of signals between stages (ranges.h) come from
 * plan.json: what one driver assumes of its input another asserts of its output. */
#ifndef PROVE_H
#define PROVE_H

#include <stdint.h>

#include "__fc_builtin.h"
#include "fixed.h"
#include "params.h"
#include "ranges.h"

#define EACH(i, count) for (int i = 0; i < (int)(count); i++)
#define COUNT(a) (sizeof(a) / sizeof *(a))
/* every element anything within low..high */
#define ANY16(a, low, high) EACH(i_, COUNT(a)) (a)[i_] = (int16_t)Frama_C_interval(low, high)
#define ANY32(a, low, high) EACH(i_, COUNT(a)) (a)[i_] = Frama_C_interval(low, high)
#define ANY64(a, low, high) EACH(i_, COUNT(a)) (a)[i_] = Frama_C_long_long_interval(low, high)
/* a driver that never gets here has proved nothing: the runner looks for this word */
#define END() Frama_C_show_each_end()

/* numbers of `bits` bits: the smallest and the largest */
static inline int64_t smallest(int bits)
{
    return bits ? INT64_C(1) << (bits - 1) : 0;
}

static inline int64_t largest_of(int bits)
{
    return bits ? (INT64_C(1) << (bits - 1)) - 1 + (INT64_C(1) << (bits - 1)) : 0;
}

/* Models, for stages that call them often; the operators themselves are proved in operators.c. */
static inline uint32_t some_root(uint64_t x)
{
    return (uint32_t)Frama_C_long_long_interval(
        0, (INT64_C(1) << ((bit_length(x) + 1) / 2)) - 1);
}

static inline int32_t some_log(uint64_t x)
{
    (void)x;
    return Frama_C_interval(-2, 64 * 65536 + 2); /* exhaustive piece log2: within 1.25 */
}

#endif
