/* What the WebAssembly kernels share: 128-bit vectors of 4 rows. V8 turns `v128.load8x8_s` and
 * `i32x4.dot_i16x8_s` into one instruction each on x86, and into two and three on ARM. */
#ifndef PERCEPNET_SIMD128_H
#define PERCEPNET_SIMD128_H

#include <wasm_simd128.h>

#include "kernels.h"

#define PERCEPNET_INLINE static inline __attribute__((always_inline))

/* lanes 0 and 2 of a, then of b; lanes 1 and 3 */
PERCEPNET_INLINE v128_t even(v128_t a, v128_t b)
{
    return wasm_i32x4_shuffle(a, b, 0, 2, 4, 6);
}

PERCEPNET_INLINE v128_t odd(v128_t a, v128_t b)
{
    return wasm_i32x4_shuffle(a, b, 1, 3, 5, 7);
}

/* a b + half, shifted right by at most 32: no matter what comes in from the left */
PERCEPNET_INLINE v128_t scaled(v128_t a, v128_t b, v128_t half, uint32_t shift)
{
    v128_t low = wasm_i64x2_add(wasm_i64x2_extmul_low_i32x4(a, b), half);
    v128_t high = wasm_i64x2_add(wasm_i64x2_extmul_high_i32x4(a, b), half);
    return even(wasm_u64x2_shr(low, shift), wasm_u64x2_shr(high, shift));
}

/* four accumulators from `row` on times mult, shifted right by 31 with rounding */
PERCEPNET_INLINE void requantise(int32_t *out_6k, v128_t acc, const percepnet_matrix *m, int row)
{
    const v128_t half = wasm_i64x2_splat(1 << 30);
    wasm_v128_store(out_6k + row, scaled(acc, wasm_v128_load(m->mult + row), half, 31));
}

#endif
