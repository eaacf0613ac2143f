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

/* 16 numbers. The empty asm hides the address: one for all of them is left. */
PERCEPNET_INLINE void load16(int32x4_t v[4], const int32_t *from)
{
    __asm__("" : "+r"(from));
    for (int r = 0; r < 4; r++)
        v[r] = vld1q_s32(from + 4 * r);
}

PERCEPNET_INLINE void store16(int32_t *to, const int32x4_t v[4])
{
    __asm__("" : "+r"(to));
    for (int r = 0; r < 4; r++)
        vst1q_s32(to + 4 * r, v[r]);
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

/* `depth` inputs of each column in turn; columns and depth, 4 or 8, are constants where this is
 * inlined */
PERCEPNET_INLINE void side_by_side(int8_t *out, const int8_t *x, int cols, int stride,
                                   const int columns, const int depth)
{
    for (int col = 0; col < cols; col += 16, x += 16, out += 16 * columns) {
        int8x16_t in[4];
        for (int c = 0; c < columns; c++)
            in[c] = vld1q_s8(x + c * stride);
        if (columns == 2 && depth == 4) {
            const int32x4x2_t all = { {vreinterpretq_s32_s8(in[0]), vreinterpretq_s32_s8(in[1])} };
            vst2q_s32((void *)out, all); /* a macro of clang: no commas in it */
        }
        if (columns == 3 && depth == 4) {
            const int32x4x3_t all = { {vreinterpretq_s32_s8(in[0]), vreinterpretq_s32_s8(in[1]), vreinterpretq_s32_s8(in[2])} };
            vst3q_s32((void *)out, all); /* a macro of clang: no commas in it */
        }
        if (columns == 4 && depth == 4) {
            const int32x4x4_t all = { {vreinterpretq_s32_s8(in[0]), vreinterpretq_s32_s8(in[1]), vreinterpretq_s32_s8(in[2]), vreinterpretq_s32_s8(in[3])} };
            vst4q_s32((void *)out, all); /* a macro of clang: no commas in it */
        }
        if (columns == 2 && depth == 8) {
            const int64x2x2_t all = { {vreinterpretq_s64_s8(in[0]), vreinterpretq_s64_s8(in[1])} };
            vst2q_s64((void *)out, all); /* a macro of clang: no commas in it */
        }
        if (columns == 3 && depth == 8) {
            const int64x2x3_t all = { {vreinterpretq_s64_s8(in[0]), vreinterpretq_s64_s8(in[1]), vreinterpretq_s64_s8(in[2])} };
            vst3q_s64((void *)out, all); /* a macro of clang: no commas in it */
        }
        if (columns == 4 && depth == 8) {
            const int64x2x4_t all = { {vreinterpretq_s64_s8(in[0]), vreinterpretq_s64_s8(in[1]), vreinterpretq_s64_s8(in[2]), vreinterpretq_s64_s8(in[3])} };
            vst4q_s64((void *)out, all); /* a macro of clang: no commas in it */
        }
    }
}
#endif

#endif
