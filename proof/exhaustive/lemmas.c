/* Facts that stages lean on, for all inputs that they have. PIECE names the one to run. */
#include <stdint.h>
#include <stdio.h>

#include "fixed.h"
#include "params.h"
#include "tables.h"

/* The product of d = p - y and r < 2^15, halves up: m = (d r + 2^14) >> 15. With d = D 2^15 + e it is
 * D r + m(e) exactly, so 0 <= m <= d (d >= 0) and d <= m <= 0 (d < 0, so D < 0) follow from
 * 0 <= m(e) <= min(e, r) and e - m(e) <= 2^15 - r, which are tried for every e < 2^15 and r.
 * Then interpolation: low + ((step rise + 2^10) >> 11) for every step and rise of the table. */
static int between(void)
{
    int wrong = 0;
    for (int32_t r = 0; r < 32768; r++)
        for (int32_t e = 0; e < 32768; e++) {
            int32_t m = mul_q31(e, r * 65536);
            wrong |= m < 0 || m > e || m > r || e - m > 32768 - r;
        }
    for (int j = 0; j < PERCEPNET_ACTIVE_BINS; j++)
        for (int32_t step = -65535; step <= 65535; step++) {
            int64_t part = rshift_round(step * percepnet_rise_q11[j], PERCEPNET_RISE_BITS);
            wrong |= step < 0 ? part < step || part > 0 : part > step || part < 0;
        }
    return wrong;
}

/* Both quotients grow with the slope, so the steepest does: slope = +- curvature. */
static int parabola(void)
{
    int wrong = 0;
    for (int64_t curvature = 1; curvature <= 4 * 32767; curvature++) {
        int64_t rise = div_q(curvature * curvature, 8 * curvature, 0);
        wrong |= rise < 0 || rise > 16384;
        wrong |= div_q(curvature * 128, curvature, 0) > 128;
        wrong |= div_q(-curvature * 128, curvature, 0) < -128;
    }
    return wrong;
}

static int warped(void)
{
    int wrong = 0;
    for (int32_t gain = 0; gain <= 32767; gain++) {
        int64_t after = mul_q(gain, lut_lerp(percepnet_sine_q30, gain, 15 - 8), 30);
        wrong |= after < 0 || after > gain;
    }
    return wrong;
}

int main(void)
{
    return PIECE();
}
