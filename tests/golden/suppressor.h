/* Inside of an instance. Private: programs include percepnet.h only. */
#ifndef PERCEPNET_SUPPRESSOR_H
#define PERCEPNET_SUPPRESSOR_H

#include "dcblock.h"
#include "stft.h"
#include "erb.h"
#include "pitch.h"
#include "comb.h"
#include "features.h"
#include "dnn.h"
#include "postfilter.h"
#include "decay.h"
#include "gains.h"
#include "highpass.h"
#include "attenuation.h"
#include "percepnet.h"

/* What of a frame l = n - 2 waits for the network. */
typedef struct {
    percepnet_spectrum y;
    percepnet_spectrum p;
    int64_t y_energy[PERCEPNET_N_BANDS]; /* int16 units squared, 2 (y_frac - 7) + 11 fractional bits */
    int32_t period; /* samples at 48 kHz */
    int32_t correlation_q15; /* Q15 */
    int16_t dry[PERCEPNET_HOP]; /* int16 samples as they went in */
} percepnet_frame;

/* The other signals, of one frame at a time, in pipeline order. Newest: frame n; others: l. */
typedef struct {
    percepnet_spectrum newest;
    percepnet_spectrum z;
    percepnet_spectrum enhanced;
    int64_t newest_energy[PERCEPNET_N_BANDS]; /* int16 units squared, 2 (newest_frac - 7) + 11 fractional bits */
    int64_t cross[PERCEPNET_N_BANDS]; /* int16 units squared, 2 (y_frac - 7) + 11 fractional bits */
    int64_t p_energy[PERCEPNET_N_BANDS]; /* int16 units squared, 2 (p_frac - 7) + 11 fractional bits */
    int64_t z_energy[PERCEPNET_N_BANDS]; /* int16 units squared, 2 (z_frac - 7) + 11 fractional bits */
    int32_t comb_q15[PERCEPNET_WINDOW]; /* int16 units, Q15 */
    int32_t band_gain_q15[PERCEPNET_N_BANDS]; /* Q15 */
    int32_t hop_q8[PERCEPNET_HOP]; /* int16 units, Q8 */
    int16_t centred[PERCEPNET_HOP]; /* int16 samples */
    int16_t coherence_q15[PERCEPNET_N_BANDS]; /* Q15 */
    int16_t scale_q13[PERCEPNET_N_BANDS]; /* Q13 */
    int16_t wet[PERCEPNET_HOP]; /* int16 samples */
    int16_t out[PERCEPNET_HOP]; /* int16 samples */
    percepnet_fft_scratch fft;
    percepnet_pitch_scratch pitch;
} percepnet_work;

/* Of percepnet_feed: before `filled` lie samples to go in, from there on samples to come out. */
typedef struct {
    int32_t filled; /* 0 ... PERCEPNET_HOP - 1 */
    int16_t vad_q15;
    int16_t hop[PERCEPNET_HOP];
} percepnet_feed_state;

/* What one call leaves for the next. */
typedef struct {
    int32_t oldest; /* of the next two: where the newest goes */
    percepnet_spectrum spectra[PERCEPNET_LOOKAHEAD];
    int64_t energies[PERCEPNET_LOOKAHEAD][PERCEPNET_N_BANDS];
    percepnet_dcblock_state dcblock;
    percepnet_stft_state stft;
    percepnet_pitch_state pitch;
    percepnet_comb_state comb;
    percepnet_dnn_state dnn;
    percepnet_decay decay;
    percepnet_highpass_state highpass;
    int16_t dry[PERCEPNET_DRY_HOPS][PERCEPNET_HOP]; /* oldest first */
    percepnet_attenuation_state attenuation;
    percepnet_feed_state feed;
} percepnet_past;

struct percepnet {
    const percepnet_kernels *kernels; /* the fastest of this CPU */
    int32_t postfilter;
    int32_t postfilter_beta_permille;
    int32_t decay_floor;
    int32_t highpass;
    int32_t attenuation_limit_db;
    percepnet_past past;
    percepnet_frame frames[PERCEPNET_BLOCK];
    percepnet_dnn_io io;
    percepnet_work work;
};

#endif
