/* Comb filter: acc(i) = sum over k of w_k y(i - k T); twin: codegen/stages/comb.py. */
#include "comb.h"
#include "tables.h"

#include <string.h>

enum { TERMS = 2 * PERCEPNET_COMB_PERIODS + 1 };

/* periods after the window whose samples are already known */
static int future_periods(int32_t period)
{
    int future = (int)(PERCEPNET_COMB_FUTURE / period);
    return future < PERCEPNET_COMB_PERIODS ? future : PERCEPNET_COMB_PERIODS;
}

/* w_0; w_k lies k further on */
static const int16_t *centre(int future)
{
    return percepnet_comb_weights_q15 + TERMS * future
           + PERCEPNET_COMB_PERIODS;
}

static void push(int16_t *history, const int16_t *hop)
{
    int16_t *end = history + PERCEPNET_COMB_HISTORY - PERCEPNET_HOP;
    memmove(history, history + PERCEPNET_HOP, (size_t)(end - history) * sizeof *history);
    memcpy(end, hop, PERCEPNET_HOP * sizeof *hop);
}

static inline int32_t sum_of_terms_q15(const int16_t *weight_q15, const int16_t *const *y, int i)
{
    int32_t sum_q15 = 0;
    for (int term = 0; term < TERMS; term++)
        sum_q15 += weight_q15[term] * y[term][i];
    return sum_q15;
}

void percepnet_comb_run(percepnet_comb_state *st, int32_t acc_q15[restrict PERCEPNET_WINDOW],
                        const int16_t hop[PERCEPNET_HOP], int32_t period)
{
    const int future = future_periods(period);
    const int16_t *y[TERMS], *weight_q15 = centre(future) - PERCEPNET_COMB_PERIODS;
    push(st->history, hop);
    for (int term = 0; term < TERMS; term++) {
        const int k = term - PERCEPNET_COMB_PERIODS; /* w_k = 0 where y is not known */
        y[term] = st->history + PERCEPNET_COMB_PAST - (k > -future ? k : -future) * period;
    }
    for (int i = 0; i < PERCEPNET_WINDOW; i++)
        acc_q15[i] = sum_of_terms_q15(weight_q15, y, i);
}

int32_t percepnet_comb_centre_weight(int32_t period)
{
    return *centre(future_periods(period));
}
