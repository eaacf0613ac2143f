/* Of the parabola through a local maximum, for ESBMC. */
#include <assert.h>
#include <stdint.h>

int32_t any_int32(void);

void parabola_slope(void)
{
    int32_t left = any_int32(), mid = any_int32(), right = any_int32();
    __ESBMC_assume(left >= -32767 && left <= 32767 && mid >= -32767 && mid <= 32767);
    __ESBMC_assume(right >= -32767 && right <= 32767 && mid >= left && mid >= right);
    int32_t curvature = 2 * mid - left - right, slope = right - left;
    assert(curvature <= 4 * 32767 && slope <= curvature && -slope <= curvature);
}
