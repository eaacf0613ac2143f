/* Operators against their definitions for all inputs. PIECE names the one to run. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "fixed.h"
#include "tables.h"

static int products(void)
{
    int wrong = 0;
    for (int32_t a = INT16_MIN; a <= INT16_MAX; a++)
        for (int32_t b = INT16_MIN; b <= INT16_MAX; b++) {
            int32_t expected = (a * b + 16384 - ((a * b + 16384) & 32767)) / 32768;
            wrong |= mul_q15((int16_t)a, (int16_t)b) != (expected > 32767 ? 32767 : expected);
        }
    return wrong;
}

/* beyond 2^17 steps, 21.8, tanh is 1 to the 18th digit and the integers stay as they are there */
static int gates(void)
{
    double worst_tanh = 0, worst_sigmoid = 0;
    for (int32_t x = -(1 << 17); x <= 1 << 17; x++) {
        worst_tanh = fmax(worst_tanh, fabs(tanh_q15(x) - 32768 * tanh(x / 6000.0)));
        worst_sigmoid =
            fmax(worst_sigmoid, fabs(sigmoid_q15(x) - 32768 / (1 + exp(-x / 3000.0))));
    }
    const int16_t one = tanh_q15(1 << 17), all = sigmoid_q15(1 << 17), none = sigmoid_q15(-1 << 17);
    int wrong = 0;
    for (int64_t x = 1 << 17; x <= INT32_MAX; x++) {
        wrong |= tanh_q15((int32_t)x) != one || tanh_q15((int32_t)-x - 1) != -one;
        wrong |= sigmoid_q15((int32_t)x) != all || sigmoid_q15((int32_t)-x - 1) != none;
    }
    printf("tanh within %.4f LSB, sigmoid within %.4f\n", worst_tanh, worst_sigmoid);
    return wrong || worst_tanh > 2.0 || worst_sigmoid > 1.4;
}

/* the digits behind the first 23 are dropped: both ends of what they can be are tried */
static int logarithms(void)
{
    double worst = fabs((double)log2_q16(0));
    for (int bits = 0; bits < 64; bits++)
        for (uint32_t head = 1u << 22; head < 1u << 23; head++) {
            if (bits < 22 && head & ((1u << (22 - bits)) - 1))
                continue;
            uint64_t low = bits < 22 ? head >> (22 - bits) : (uint64_t)head << (bits - 22);
            uint64_t high = bits < 22 ? low : low + ((UINT64_C(1) << (bits - 22)) - 1);
            const double exact = bits + log2(head / 4194304.0);
            const double next = bits < 22 ? exact : bits + log2((head + 1) / 4194304.0);
            worst = fmax(worst, fabs(log2_q16(low) - 65536 * exact));
            worst = fmax(worst, fabs(log2_q16(high) - 65536 * next));
            if (bits > 23 && bits < 63)
                bits = 63; /* the leading digits are looked up alike: once more at the top */
        }
    printf("log2 within %.4f LSB\n", worst);
    return worst > 1.25;
}

int main(void)
{
    return PIECE();
}
