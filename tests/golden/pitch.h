/* Pitch period by normalised correlation and dynamic programming; twin: codegen/stages/pitch.py. */
#ifndef PERCEPNET_PITCH_H
#define PERCEPNET_PITCH_H

#include "kernels.h"
#include "params.h"

#include <stdint.h>

typedef struct {
    int16_t samples[PERCEPNET_PITCH_FIR_PAST + PERCEPNET_HOP]; /* 48 kHz */
    int32_t low_q8[PERCEPNET_PITCH_LOW_PAST + PERCEPNET_PITCH_HOP]; /* 12 kHz */
    int32_t whitened_q8[PERCEPNET_PITCH_SEGMENT];
    int32_t smoothed_q8; /* one-pole smoother after the whitening */
    int16_t path_q15[PERCEPNET_N_LAGS]; /* of the best path to each state; the best has 0 */
    int32_t best; /* its state: lag - PERCEPNET_LAG_MIN */
    uint8_t origins[PERCEPNET_LOOKAHEAD][PERCEPNET_N_LAGS]; /* of the last frames, newest first */
    int16_t offsets_q8[PERCEPNET_LOOKAHEAD + 1][PERCEPNET_N_LAGS]; /* of the last, newest first */
} percepnet_pitch_state;

/* what one call needs and the next does not */
typedef struct {
    int32_t windowed_q8[PERCEPNET_PITCH_WINDOW];
    int16_t segment[PERCEPNET_PITCH_SEGMENT];
    int32_t correlation_q15[PERCEPNET_N_CORRELATIONS];
    int32_t height_q15[PERCEPNET_N_CORRELATIONS];
    int32_t around_q15[PERCEPNET_N_CORRELATIONS];
    int32_t score_q15[PERCEPNET_N_LAGS];
    int16_t stay_q15[PERCEPNET_N_LAGS];
    int16_t move[PERCEPNET_N_LAGS];
} percepnet_pitch_scratch;

/* as before the first hop: all zero */
void percepnet_pitch_reset(percepnet_pitch_state *st);

/* Takes hop n. period: of frame n - PERCEPNET_LOOKAHEAD, PERCEPNET_T_MIN..PERCEPNET_T_MAX
 * samples; correlation_q15: of frame n on the best path, 0..32767. */
void percepnet_pitch_run(percepnet_pitch_state *st, const percepnet_kernels *kernels,
                         int32_t *period, int32_t *correlation_q15,
                         const int16_t hop[PERCEPNET_HOP], percepnet_pitch_scratch *scratch);

#endif
