/* What the NEON kernels share; the same intrinsics on arm64 and armv7 where both have them. */
#ifndef PERCEPNET_NEON_H
#define PERCEPNET_NEON_H

#include <arm_neon.h>

#include "kernels.h"

/* the next 4 rows: accumulators times mult, shifted right by -left with rounding */
static inline void requantise(int32_t **out_q12, int32x4_t acc, const int32_t **mult,
                              int64x2_t left)
{
    int32x4_t factor = vld1q_s32(*mult);
    int64x2_t low = vmull_s32(vget_low_s32(acc), vget_low_s32(factor));
    int64x2_t high = vmull_s32(vget_high_s32(acc), vget_high_s32(factor));
    low = vrshlq_s64(low, left);
    high = vrshlq_s64(high, left);
    vst1q_s32(*out_q12, vuzpq_s32(vreinterpretq_s32_s64(low), vreinterpretq_s32_s64(high)).val[0]);
    *out_q12 += 4;
    *mult += 4;
}

/* The next 64 weights. The empty asm hides the new address: the compiler would otherwise compute
 * several in advance, an instruction each, instead of counting up within the load. */
static inline int8x16x4_t next64(const int8_t **w)
{
    int8x16x4_t a;
#if defined(__aarch64__)
    a = vld1q_s8_x4(*w);
#else
    for (int i = 0; i < 4; i++)
        a.val[i] = vld1q_s8(*w + 16 * i);
#endif
    *w += 64;
    __asm__("" : "+r"(*w));
    return a;
}

#endif
