#include "prove.h"

#include "stage/pitch.c"

static percepnet_pitch_state st;
static percepnet_pitch_scratch scratch;
static int32_t low_q8[PERCEPNET_PITCH_LOW_PAST + PERCEPNET_PITCH_HOP];
static int64_t r[PERCEPNET_LPC_ORDER + 1];
static int32_t a_q24[PERCEPNET_LPC_ORDER + 1];

/* 48 kHz to 12 kHz */
void prove_decimate(void)
{
    ANY16(st.samples, INT16_MIN, INT16_MAX);
    decimate(low_q8, st.samples);
    EACH(i, PERCEPNET_PITCH_HOP) {
        //@ assert -LOW_MAX_Q8 <= low_q8[i] <= LOW_MAX_Q8;
    }
    END();
}

/* autocorrelation of any 240 values at 12 kHz */
void prove_autocorrelate(void)
{
    ANY32(low_q8, -LOW_MAX_Q8, LOW_MAX_Q8);
    autocorrelate(r, scratch.windowed_q8, low_q8 + PERCEPNET_LPC_ORDER);
    EACH(k, PERCEPNET_LPC_ORDER + 1) {
        //@ assert -R_MAX_Q16 <= r[k] <= R_MAX_Q16;
    }
    END();
}

/* by the bits of r_0, which its floor keeps above 0; |r_k| <= r_0 (Cauchy and Schwarz) */
void prove_scale_to_30_bits(void)
{
    for (int bits = FLOOR_BITS; bits <= R_BITS_MAX; bits++) {
        ANY64(r, -largest_of(bits), largest_of(bits));
        r[0] = Frama_C_long_long_interval(smallest(bits), largest_of(bits));
        scale_to_30_bits(r);
        EACH(k, PERCEPNET_LPC_ORDER + 1) {
            //@ assert -(1 << 30) <= r[k] <= 1 << 30;
        }
        //@ assert r[0] >= 1 << 29;
    }
    END();
}

/* Levinson's recursion */
void prove_linear_prediction(void)
{
    ANY64(r, -(1 << 30), 1 << 30);
    r[0] = Frama_C_long_long_interval(1 << 29, 1 << 30);
    linear_prediction(a_q24, r);
    int64_t total = 0;
    EACH(k, PERCEPNET_LPC_ORDER + 1) {
        //@ assert -A_MAX_Q24 <= a_q24[k] <= A_MAX_Q24;
    }
    //@ assert a_q24[0] == 1 << 24;
    //@ assert -A1_MAX_Q24 <= a_q24[1] <= A1_MAX_Q24;
    //@ assert -A2_MAX_Q24 <= a_q24[2] <= A2_MAX_Q24;
    //@ assert -A1_MAX_Q24 <= a_q24[3] <= A1_MAX_Q24;
    //@ assert -A4_MAX_Q24 <= a_q24[4] <= A4_MAX_Q24;
    END();
}

/* whitening of a hop; the smoother stays where it was assumed */
void prove_whiten(void)
{
    ANY32(low_q8, -LOW_MAX_Q8, LOW_MAX_Q8);
    a_q24[0] = 1 << 24;
    a_q24[1] = Frama_C_interval(-A1_MAX_Q24, A1_MAX_Q24);
    a_q24[2] = Frama_C_interval(-A2_MAX_Q24, A2_MAX_Q24);
    a_q24[3] = Frama_C_interval(-A1_MAX_Q24, A1_MAX_Q24);
    a_q24[4] = Frama_C_interval(-A4_MAX_Q24, A4_MAX_Q24);
    int32_t smoothed_q8 = whiten(st.whitened_q8, low_q8, a_q24,
                                 Frama_C_interval(-SMOOTHED_MAX_Q8, SMOOTHED_MAX_Q8));
    //@ assert -SMOOTHED_MAX_Q8 <= smoothed_q8 <= SMOOTHED_MAX_Q8;
    EACH(i, PERCEPNET_PITCH_HOP) {
        //@ assert -SMOOTHED_MAX_Q8 <= st.whitened_q8[i] <= SMOOTHED_MAX_Q8;
    }
    END();
}

/* whitened signal to 11 bits */
void prove_normalise(void)
{
    ANY32(st.whitened_q8, -SMOOTHED_MAX_Q8, SMOOTHED_MAX_Q8);
    int shift = normalise(scratch.segment, st.whitened_q8);
    //@ assert 0 <= shift <= 19;
    EACH(i, PERCEPNET_PITCH_SEGMENT) {
        //@ assert -SEGMENT_MAX <= scratch.segment[i] <= SEGMENT_MAX;
    }
    END();
}

static void any_products(int32_t *cross, const int16_t *newest)
{
    (void)newest;
    EACH(lag, PERCEPNET_N_CORRELATIONS)
        cross[lag] = Frama_C_interval(-CORRELATION_MAX, CORRELATION_MAX);
}

/* normalised correlation, by the shift */
void prove_correlate(void)
{
    percepnet_kernels kernels = {.correlate_s16 = any_products};
    ANY16(scratch.segment, -SEGMENT_MAX, SEGMENT_MAX);
    EACH(shift, 20) {
        correlate(&kernels, scratch.correlation_q15, scratch.segment, shift);
        EACH(j, PERCEPNET_N_CORRELATIONS) {
            //@ assert -32767 <= scratch.correlation_q15[j] <= 32767;
        }
    }
    END();
}

/* parabolas; how high they rise is lemma `parabola` */
void prove_peak_heights(void)
{
    ANY32(scratch.correlation_q15, -32767, 32767);
    peak_heights(scratch.height_q15, st.offsets_q8[0], scratch.correlation_q15);
    END();
}

/* heights to scores */
void prove_scores(void)
{
    ANY32(scratch.height_q15, -32767, HEIGHT_MAX_Q15);
    neighbourhoods(scratch.around_q15, scratch.height_q15, PERCEPNET_N_CORRELATIONS);
    periodicity(scratch.score_q15, scratch.height_q15, scratch.around_q15);
    guard(scratch.score_q15, scratch.around_q15, scratch.height_q15);
    EACH(j, PERCEPNET_N_LAGS) {
        //@ assert SCORE_MIN_Q15 <= scratch.score_q15[j] <= SCORE_MAX_Q15;
    }
    END();
}

/* best path: its scores are at most 0, the best is subtracted last; the period of its end */
void prove_path(void)
{
    ANY16(st.path_q15, PATH_MIN_Q15, 0);
    ANY32(scratch.score_q15, SCORE_MIN_Q15, SCORE_MAX_Q15);
    EACH(back, PERCEPNET_LOOKAHEAD)
        EACH(j, PERCEPNET_N_LAGS)
            st.origins[back][j] = (uint8_t)Frama_C_interval(0, PERCEPNET_N_LAGS - 1);
    EACH(back, PERCEPNET_LOOKAHEAD + 1)
        ANY16(st.offsets_q8[back], INT16_MIN, INT16_MAX);
    st.best = Frama_C_interval(0, PERCEPNET_N_LAGS - 1);
    extend(&st, &scratch);
    //@ assert 0 <= st.best < PERCEPNET_N_LAGS;
    EACH(j, PERCEPNET_N_LAGS) {
        //@ assert PATH_MIN_Q15 <= st.path_q15[j];
        //@ assert 0 <= st.origins[0][j] < PERCEPNET_N_LAGS;
    }
    int32_t period = trace_back(&st);
    //@ assert PERCEPNET_T_MIN <= period <= PERCEPNET_T_MAX;
    END();
}

/* histories move as they should: no byte outside, none unset */
void prove_histories(void)
{
    int16_t hop[PERCEPNET_HOP];
    ANY16(hop, INT16_MIN, INT16_MAX);
    percepnet_pitch_reset(&st);
    EACH(i, 3) {
        memcpy(push(st.samples, sizeof st.samples, sizeof hop), hop, sizeof hop);
        int32_t *low = push(st.low_q8, sizeof st.low_q8, PERCEPNET_PITCH_HOP * sizeof *st.low_q8);
        low[PERCEPNET_PITCH_HOP - 1] = low[-PERCEPNET_LPC_ORDER];
        int32_t *out = push(st.whitened_q8, sizeof st.whitened_q8,
                            PERCEPNET_PITCH_HOP * sizeof *st.low_q8);
        out[PERCEPNET_PITCH_HOP - 1] = 0;
    }
    END();
}
