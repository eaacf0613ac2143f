/* Pitch tracker: decimate, whiten, correlate, follow the best path; twin: codegen/stages/pitch.py.
 * The bounds of the plan prove that nothing overflows. */
#include "pitch.h"
#include "fixed.h"
#include "tables.h"

#include <string.h>

#define N_LAGS PERCEPNET_N_LAGS
#define N_CORRELATIONS PERCEPNET_N_CORRELATIONS
#define ORDER PERCEPNET_LPC_ORDER

/* drop the oldest values of a history to make room for n new ones; returns their place */
static void *push(void *history, size_t size, size_t n)
{
    char *bytes = history;
    memmove(bytes, bytes + n, size - n);
    return bytes + size - n;
}

/* 48 kHz -> 12 kHz */
static void decimate(int32_t low_q8[PERCEPNET_PITCH_HOP], const int16_t *samples)
{
    for (int i = 0; i < PERCEPNET_PITCH_HOP; i++, samples += PERCEPNET_PITCH_DECIMATION) {
        int32_t acc_q15 = 0;
        for (int tap = 0; tap < PERCEPNET_PITCH_FIR_TAPS; tap++)
            acc_q15 += percepnet_pitch_fir_q15[tap] * samples[tap];
        low_q8[i] = (int32_t)rshift_round(acc_q15, 7);
    }
}

/* scaled alike so that r_0 is about 2^30 */
static void scale_to_30_bits(int64_t r[ORDER + 1])
{
    int shift = bit_length((uint64_t)r[0]) - 30;
    for (int k = 0; k <= ORDER; k++)
        r[k] = shift_round(r[k], -shift);
}

/* r_0..r_4 of the windowed signal */
static void autocorrelate(int64_t r[ORDER + 1], int32_t *x_q8, const int32_t *low_q8)
{
    for (int i = 0; i < PERCEPNET_PITCH_WINDOW; i++)
        x_q8[i] = (int32_t)mul_q(low_q8[i], percepnet_pitch_window_q15[i], 15);
    for (int k = 0; k <= ORDER; k++) {
        r[k] = 0;
        for (int i = k; i < PERCEPNET_PITCH_WINDOW; i++)
            r[k] += (int64_t)x_q8[i] * x_q8[i - k];
    }
    r[0] += PERCEPNET_PITCH_FLOOR_Q16;
}

/* whitening filter by Levinson's recursion */
static void linear_prediction(int32_t a_q24[ORDER + 1], const int64_t r[ORDER + 1])
{
    int64_t error = r[0] + rshift_round(r[0] * PERCEPNET_LPC_NOISE_Q30, 30);
    int32_t old_q24[ORDER + 1];
    memset(a_q24, 0, (ORDER + 1) * sizeof *a_q24);
    a_q24[0] = 1 << 24;
    for (int order = 1; order <= ORDER; order++) {
        int64_t numerator = 0;
        for (int j = 0; j < order; j++)
            numerator += a_q24[j] * r[order - j];
        numerator = clamp(rshift_round(numerator, 24), -error, error);
        int64_t reflection_q30 = clamp(div_q(-numerator, error, 30), 1 - (1 << 30), (1 << 30) - 1);
        int32_t k_q30 = (int32_t)reflection_q30;
        memcpy(old_q24, a_q24, sizeof old_q24);
        for (int j = 1; j <= order; j++)
            a_q24[j] += (int32_t)mul_q(k_q30, old_q24[order - j], 30);
        const int64_t k2_q30 = rshift_round((int64_t)k_q30 * k_q30, 30);
        error = rshift_round(error * ((1 << 30) - k2_q30), 30);
        error = error > 1 ? error : 1;
    }
}

/* low_q8: the hop, and ORDER samples before it; returns the state of the smoother */
static int32_t whiten(int32_t out_q8[PERCEPNET_PITCH_HOP], const int32_t *low_q8,
                      const int32_t a_q24[ORDER + 1], int32_t smoothed_q8)
{
    for (int i = 0; i < PERCEPNET_PITCH_HOP; i++) {
        int64_t residual_q32 = 0;
        for (int k = 0; k <= ORDER; k++)
            residual_q32 += (int64_t)a_q24[k] * low_q8[ORDER + i - k];
        smoothed_q8 = (int32_t)(rshift_round(residual_q32, 24)
                                + mul_q(PERCEPNET_SMOOTHER_Q15, smoothed_q8, 15));
        out_q8[i] = smoothed_q8;
    }
    return smoothed_q8;
}

static void take(percepnet_pitch_state *st, const int16_t *hop, int32_t *windowed_q8)
{
    int64_t r[ORDER + 1];
    int32_t a_q24[ORDER + 1];
    const size_t low_bytes = PERCEPNET_PITCH_HOP * sizeof *st->low_q8;
    memcpy(push(st->samples, sizeof st->samples, PERCEPNET_HOP * sizeof *hop), hop,
           PERCEPNET_HOP * sizeof *hop);
    int32_t *low_q8 = push(st->low_q8, sizeof st->low_q8, low_bytes);
    decimate(low_q8, st->samples);
    autocorrelate(r, windowed_q8, st->low_q8 + ORDER);
    scale_to_30_bits(r);
    linear_prediction(a_q24, r);
    int32_t *out_q8 = push(st->whitened_q8, sizeof st->whitened_q8, low_bytes);
    st->smoothed_q8 = whiten(out_q8, low_q8 - ORDER, a_q24, st->smoothed_q8);
}

/* whitened signal as int16 of at most PERCEPNET_PITCH_SEGMENT_BITS; returns the shift */
static int normalise(int16_t *v, const int32_t *whitened_q8)
{
    const int32_t limit = (1 << PERCEPNET_PITCH_SEGMENT_BITS) - 1;
    int32_t peak = 0;
    for (int i = 0; i < PERCEPNET_PITCH_SEGMENT; i++) {
        int32_t size = whitened_q8[i] < 0 ? -whitened_q8[i] : whitened_q8[i];
        peak = size > peak ? size : peak;
    }
    int shift = bit_length((uint64_t)peak) - PERCEPNET_PITCH_SEGMENT_BITS;
    shift = shift > 0 ? shift : 0;
    const int32_t half = (1 << shift) >> 1; /* rshift_round and clamp in 32 bits, for speed */
    for (int i = 0; i < PERCEPNET_PITCH_SEGMENT; i++) {
        int32_t rounded = (whitened_q8[i] + half) >> shift;
        rounded = rounded < limit ? rounded : limit;
        v[i] = (int16_t)(rounded > -limit ? rounded : -limit);
    }
    return shift;
}

static uint32_t energy_of(const int16_t *x)
{
    uint32_t acc = 0;
    for (int i = 0; i < PERCEPNET_CORRELATION_WINDOW; i++)
        acc += (uint32_t)(x[i] * x[i]);
    return acc;
}

/* c(t) = 2 <e, e_t> / (|e|^2 + |e_t|^2) of the newest 15 ms */
static void correlate(const percepnet_kernels *kernels, int32_t c_q15[N_CORRELATIONS],
                      const int16_t v[PERCEPNET_PITCH_SEGMENT], int shift)
{
    const int16_t *newest = v + PERCEPNET_CORRELATION_LAG_MAX;
    const int16_t *past = newest - PERCEPNET_LAG_MIN + 1;
    const int64_t fixed = energy_of(newest) + shift_round(2 * PERCEPNET_PITCH_FLOOR_Q16, -2 * shift);
    uint32_t energy = energy_of(past); /* unsigned: the differences go up and down */
    kernels->correlate_s16(c_q15, newest);
    for (int j = 0; j < N_CORRELATIONS; j++) {
        int32_t leaving = past[PERCEPNET_CORRELATION_WINDOW - 1], entering = *--past;
        energy += (uint32_t)(entering * entering - leaving * leaving);
        int64_t total = fixed + energy;
        int64_t c = div_q(2 * (int64_t)c_q15[j], total > 1 ? total : 1, 15);
        c_q15[j] = (int32_t)clamp(c, -32767, 32767);
    }
}

/* parabola through each local maximum; the offsets are kept for the lags of the search only */
static void peak_heights(int32_t height_q15[N_CORRELATIONS], int16_t offset_q8[N_LAGS],
                         const int32_t c_q15[N_CORRELATIONS])
{
    memcpy(height_q15, c_q15, N_CORRELATIONS * sizeof *c_q15);
    memset(offset_q8, 0, N_LAGS * sizeof *offset_q8);
    for (int j = 1; j < N_CORRELATIONS - 1; j++) {
        const int32_t left = c_q15[j - 1], mid = c_q15[j], right = c_q15[j + 1];
        if (mid < right || mid < left)
            continue;
        const int64_t curvature = 2 * mid - left - right, slope = right - left;
        if (curvature <= 0)
            continue;
        height_q15[j] += (int32_t)div_q(slope * slope, 8 * curvature, 0);
        if (j < N_LAGS)
            offset_q8[j] = (int16_t)div_q(slope * 128, curvature, 0);
    }
}

static inline int32_t larger(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* the largest of each of n values and its two neighbours */
static void neighbourhoods(int32_t *around, const int32_t *x, int n)
{
    around[0] = larger(x[0], x[1]);
    for (int j = 1; j < n - 1; j++)
        around[j] = larger(larger(x[j - 1], x[j + 1]), x[j]);
    around[n - 1] = larger(x[n - 2], x[n - 1]);
}

/* weighted mean of the heights at T, 2T and, in reach, 3T; of the multiples the best within a lag */
static void periodicity(int32_t score_q15[N_LAGS], const int32_t height_q15[N_CORRELATIONS],
                        const int32_t around_q15[N_CORRELATIONS])
{
    const int in_reach = PERCEPNET_CORRELATION_LAG_MAX / 3 - PERCEPNET_LAG_MIN + 1;
    const int16_t *weights_q15 = percepnet_pitch_period_weights_q15;
    const int32_t *twice_q15 = around_q15 + PERCEPNET_LAG_MIN;
    const int32_t *thrice_q15 = twice_q15 + PERCEPNET_LAG_MIN;
    for (int j = 0; j < in_reach; j++)
        score_q15[j] = (weights_q15[0] * height_q15[j] + weights_q15[1] * twice_q15[2 * j]
                        + weights_q15[2] * thrice_q15[3 * j] + (1 << 14)) >> 15;
    for (int j = in_reach; j < N_LAGS; j++)
        score_q15[j] = (weights_q15[3] * height_q15[j] + weights_q15[4] * twice_q15[2 * j]
                        + (1 << 14)) >> 15;
}

/* rival[j]: at least the best score near round(lag / divisor) */
static inline void rivals(int32_t *restrict rival_q15, const int32_t *restrict around_q15,
                          const int divisor)
{
    const int first = (divisor - 1) * PERCEPNET_LAG_MIN - 1; /* whose centre is LAG_MIN */
    const int whole = (N_LAGS - first) / divisor;
    int32_t *at = rival_q15 + first;
    for (int i = 0; i < whole; i++)
        for (int k = 0; k < divisor; k++)
            at[divisor * i + k] = larger(at[divisor * i + k], around_q15[i]);
    for (int j = divisor * whole; j < N_LAGS - first; j++)
        at[j] = larger(at[j], around_q15[whole]);
}

/* weigh down sub-harmonics and long lags; around_q15, rival_q15: work space */
static void guard(int32_t score_q15[N_LAGS], int32_t around_q15[N_LAGS], int32_t rival_q15[N_LAGS])
{
    neighbourhoods(around_q15, score_q15, N_LAGS);
    memset(rival_q15, 0, N_LAGS * sizeof *rival_q15);
    rivals(rival_q15, around_q15, 2);
    rivals(rival_q15, around_q15, 3);
    for (int j = 0; j < N_LAGS; j++) {
        int32_t score = score_q15[j], less = (score * PERCEPNET_GUARD_FACTOR_Q15 + (1 << 14)) >> 15;
        score_q15[j] = (score < rival_q15[j] ? less : score) - percepnet_pitch_bias_q15[j];
    }
}

/* best way to reach each state from a neighbour m states further on, m = -16..16 */
static void best_moves(int16_t *restrict stay_q15, int16_t *restrict move,
                       const int16_t *restrict path_q15)
{
    for (int j = 0; j < N_LAGS; j++) {
        stay_q15[j] = INT16_MIN;
        move[j] = 0;
    }
    for (int m = -PERCEPNET_MOVE_MAX; m <= PERCEPNET_MOVE_MAX; m++) {
        int size = m < 0 ? -m : m;
        int first = percepnet_pitch_move_first[size];
        int start = first > -m ? first : -m;
        int end = m > 0 ? N_LAGS - m : N_LAGS;
        const int16_t *cost_q15 = percepnet_pitch_move_cost_q15 + size * N_LAGS;
        for (int j = start; j < end; j++) {
            int16_t candidate = (int16_t)(path_q15[j + m] - cost_q15[j]);
            move[j] = candidate > stay_q15[j] ? (int16_t)m : move[j];
            stay_q15[j] = candidate > stay_q15[j] ? candidate : stay_q15[j];
        }
    }
}

/* Viterbi forward step; the path scores are relative to the last best: that one is 0. None below
 * a restart matters */
static void extend(percepnet_pitch_state *st, percepnet_pitch_scratch *scratch)
{
    const int16_t restart_q15 = -PERCEPNET_RESTART_COST_Q15;
    const int16_t before = (int16_t)st->best;
    int16_t *restrict stay_q15 = scratch->stay_q15, *restrict from = scratch->move;
    int32_t *restrict total_q15 = scratch->score_q15;
    best_moves(scratch->stay_q15, scratch->move, st->path_q15);
    memmove(st->origins[1], st->origins[0], sizeof st->origins - sizeof st->origins[0]);
    for (int j = 0; j < N_LAGS; j++) {
        const int16_t moved = (int16_t)(j + from[j]);
        from[j] = stay_q15[j] >= restart_q15 ? moved : before;
        stay_q15[j] = stay_q15[j] >= restart_q15 ? stay_q15[j] : restart_q15;
    }
    for (int j = 0; j < N_LAGS; j++)
        st->origins[0][j] = (uint8_t)from[j];
    for (int j = 0; j < N_LAGS; j++)
        total_q15[j] += stay_q15[j];
    int32_t top = total_q15[0];
    for (int j = 1; j < N_LAGS; j++)
        top = larger(top, total_q15[j]);
    int32_t best = 0;
    while (best < N_LAGS - 1 && total_q15[best] != top)
        best++;
    st->best = best;
    for (int j = 0; j < N_LAGS; j++) {
        int32_t below = larger(total_q15[j] - top, PERCEPNET_PATH_MIN_Q15);
        st->path_q15[j] = (int16_t)(below < 0 ? below : 0);
    }
}

/* the best path, PERCEPNET_LOOKAHEAD frames back, refined by the offset of its peak */
static int32_t trace_back(const percepnet_pitch_state *st)
{
    int32_t state = st->best;
    for (int back = 0; back < PERCEPNET_LOOKAHEAD; back++)
        state = st->origins[back][state];
    int32_t offset_q8 = st->offsets_q8[PERCEPNET_LOOKAHEAD][state];
    int32_t period = PERCEPNET_PITCH_DECIMATION * (PERCEPNET_LAG_MIN + state)
                     + ((offset_q8 + 32) >> 6);
    return (int32_t)clamp(period, PERCEPNET_T_MIN, PERCEPNET_T_MAX);
}

void percepnet_pitch_reset(percepnet_pitch_state *st)
{
    memset(st, 0, sizeof *st);
}

void percepnet_pitch_run(percepnet_pitch_state *st, const percepnet_kernels *kernels,
                         int32_t *period, int32_t *correlation_q15,
                         const int16_t hop[PERCEPNET_HOP], percepnet_pitch_scratch *scratch)
{
    int32_t *c_q15 = scratch->correlation_q15;
    take(st, hop, scratch->windowed_q8);
    int shift = normalise(scratch->segment, st->whitened_q8);
    correlate(kernels, c_q15, scratch->segment, shift);
    memmove(st->offsets_q8[1], st->offsets_q8[0], sizeof st->offsets_q8 - sizeof st->offsets_q8[0]);
    peak_heights(scratch->height_q15, st->offsets_q8[0], c_q15);
    neighbourhoods(scratch->around_q15, scratch->height_q15, N_CORRELATIONS);
    periodicity(scratch->score_q15, scratch->height_q15, scratch->around_q15);
    guard(scratch->score_q15, scratch->around_q15, scratch->height_q15);
    extend(st, scratch);
    *period = trace_back(st);
    *correlation_q15 = c_q15[st->best] > 0 ? c_q15[st->best] : 0;
}
