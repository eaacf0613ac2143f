/* What the NEON kernels share; the same intrinsics on arm64 and armv7 where both have them. */
#ifndef PERCEPNET_NEON_H
#define PERCEPNET_NEON_H

#include <arm_neon.h>

#include "kernels.h"

#define PERCEPNET_INLINE static inline __attribute__((always_inline))

/* four accumulators from `row` on times mult, shifted right by 31 with rounding: SQRDMULH */
static inline void requantise(int32_t *out_6k, int32x4_t acc, const percepnet_matrix *m, int row)
{
    vst1q_s32(out_6k + row, vqrdmulhq_s32(acc, vld1q_s32(m->mult + row)));
}

/* The next weights or inputs. The empty asm hides the new address: the compiler would otherwise
 * compute several in advance, an instruction each, instead of counting up within the load. */
static inline int8x16_t next16(const int8_t **w)
{
    int8x16_t a = vld1q_s8(*w);
    *w += 16;
    __asm__("" : "+r"(*w));
    return a;
}

#if defined(__aarch64__)
static inline int8x16x4_t next64(const int8_t **w)
{
    int8x16x4_t a = vld1q_s8_x4(*w);
    *w += 64;
    __asm__("" : "+r"(*w));
    return a;
}
#endif

#endif
