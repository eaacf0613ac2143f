/* What the NEON kernels share; the same intrinsics on arm64 and armv7 where both have them. */
#ifndef PERCEPNET_NEON_H
#define PERCEPNET_NEON_H

#include <arm_neon.h>

#include "kernels.h"

#define PERCEPNET_INLINE static inline __attribute__((always_inline))

/* four accumulators from `row` on times mult, shifted right with rounding */
static inline void requantise(int32_t *out_q12, int32x4_t acc, const percepnet_matrix *m, int row)
{
    const int64x2_t left = vdupq_n_s64(-m->shift);
    int32x4_t factor = vld1q_s32(m->mult + row);
    int64x2_t low = vmull_s32(vget_low_s32(acc), vget_low_s32(factor));
    int64x2_t high = vmull_s32(vget_high_s32(acc), vget_high_s32(factor));
    low = vrshlq_s64(low, left);
    high = vrshlq_s64(high, left);
    vst1q_s32(out_q12 + row,
              vuzpq_s32(vreinterpretq_s32_s64(low), vreinterpretq_s32_s64(high)).val[0]);
}

/* The next weights. The empty asm hides the new address: the compiler would otherwise compute several
 * in advance, an instruction each, instead of counting up within the load. */
#if defined(__aarch64__)
static inline int8x16x4_t next64(const int8_t **w)
{
    int8x16x4_t a = vld1q_s8_x4(*w);
    *w += 64;
    __asm__("" : "+r"(*w));
    return a;
}
#else
static inline int8x16_t next16(const int8_t **w)
{
    int8x16_t a = vld1q_s8(*w);
    *w += 16;
    __asm__("" : "+r"(*w));
    return a;
}
#endif

#endif
