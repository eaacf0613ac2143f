/* Correlation at every lag that the pitch tracker looks at, four lags at a time. */
#include "kernels.h"

#if defined(__wasm_simd128__)
#include "params.h"
#include "simd128.h"

/* acc + a b */
PERCEPNET_INLINE v128_t products(v128_t acc, v128_t a, v128_t b)
{
    return wasm_i32x4_add(acc, wasm_i32x4_dot_i16x8(a, b));
}

/* lags `lag`..`lag` + 3, newest[0] at `past` for the first of them */
PERCEPNET_INLINE v128_t four(const int16_t *newest, const int16_t *past)
{
    v128_t acc[4];
    for (int n = 0; n < 4; n++)
        acc[n] = wasm_i32x4_const(0, 0, 0, 0);
    const int whole = PERCEPNET_CORRELATION_WINDOW / 8 * 8;
    for (int i = 0; i < whole; i += 8)
        for (int n = 0; n < 4; n++)
            acc[n] = products(acc[n], wasm_v128_load(newest + i), wasm_v128_load(past + i - n));
#if PERCEPNET_CORRELATION_WINDOW % 8 == 4
    for (int n = 0; n < 4; n++)
        acc[n] = products(acc[n], wasm_v128_load64_zero(newest + whole),
                          wasm_v128_load64_zero(past + whole - n));
#endif
    v128_t low = wasm_i32x4_add(even(acc[0], acc[1]), odd(acc[0], acc[1]));
    v128_t high = wasm_i32x4_add(even(acc[2], acc[3]), odd(acc[2], acc[3]));
    return wasm_i32x4_add(even(low, high), odd(low, high));
}

typedef char percepnet_window_is_whole_quads[PERCEPNET_CORRELATION_WINDOW % 4 == 0 ? 1 : -1];

void percepnet_correlate_s16_simd128(int32_t *cross, const int16_t *newest)
{
    const int16_t *past = newest - PERCEPNET_LAG_MIN;
    for (int lag = 0; lag + 4 <= PERCEPNET_N_CORRELATIONS; lag += 4)
        wasm_v128_store(cross + lag, four(newest, past - lag));
    /* the last ones once more, so that there is no tail */
    wasm_v128_store(cross + PERCEPNET_N_CORRELATIONS - 4, four(newest, past - (PERCEPNET_N_CORRELATIONS - 4)));
}
#endif
