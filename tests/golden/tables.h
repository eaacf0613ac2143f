/* Constant tables of all stages. */
#ifndef PERCEPNET_TABLES_H
#define PERCEPNET_TABLES_H

#include <stdint.h>

/* log2(1 + i/128) in Q30, i = 0..128 */
extern const int32_t percepnet_log2_q30[129];
/* tanh, Q15: t^3, t^2, t, 1 in a row of 16 points each, 32768/15 steps apart */
extern const int16_t percepnet_tanh_cubics_q15[64];
/* Vorbis window, Q15 */
extern const int16_t percepnet_win_q15[960];
/* Vorbis window / 480, Q39 */
extern const int32_t percepnet_winsyn_q39[960];
/* twiddles by stage, j and p: cos, Q31 */
extern const int32_t percepnet_fft_cos_q31[475];
/* twiddles by stage, j and p: sin, Q31 */
extern const int32_t percepnet_fft_sin_q31[475];
/* cos(2 pi k / 960), Q31 */
extern const int32_t percepnet_unpack_cos_q31[240];
/* sin(2 pi k / 960), Q31 */
extern const int32_t percepnet_unpack_sin_q31[240];
/* peak of each triangular band, in bins of 50 Hz */
extern const int16_t percepnet_band_peaks[34];
/* share of a bin in the band above it, Q11 */
extern const int16_t percepnet_rise_q11[400];
/* anti-alias filter, 48 taps in Q15 */
extern const int16_t percepnet_pitch_fir_q15[48];
/* window of the linear prediction, Q15 */
extern const int16_t percepnet_pitch_window_q15[240];
/* cost of moving |m| = 0..16 lags, Q15, one row for each |m|, by state moved to */
extern const int16_t percepnet_pitch_move_cost_q15[3162];
/* first state a move |m| = 0..16 may end in */
extern const int16_t percepnet_pitch_move_first[17];
/* weights of the heights at T, 2T, 3T, Q15; second row: 3T out of reach */
extern const int16_t percepnet_pitch_period_weights_q15[6];
/* bias against long lags, Q15, by state */
extern const int16_t percepnet_pitch_bias_q15[186];
/* w_k in Q15, k = -5..5, one row for each number of future periods 0..5 */
extern const int16_t percepnet_comb_weights_q15[66];
/* sin(pi/2 i/256) in Q30, i = 0..256 */
extern const int32_t percepnet_sine_q30[257];
/* 10^(-i/20) in Q30, i = 0..99 dB; 100: 0 */
extern const int32_t percepnet_dry_share_q30[101];

#endif
