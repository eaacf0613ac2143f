/* Inside of an instance. Private: programs include percepnet.h only. */
#ifndef PERCEPNET_SUPPRESSOR_H
#define PERCEPNET_SUPPRESSOR_H

#include "attenuation.h"
#include "comb.h"
#include "dnn.h"
#include "erb.h"
#include "features.h"
#include "gains.h"
#include "highpass.h"
#include "percepnet.h"
#include "pitch.h"
#include "postfilter.h"
#include "stft.h"

/* What of a frame l = n - 2 waits for the network. */
typedef struct {
    percepnet_spectrum y, p;
    int64_t y_energy[PERCEPNET_N_BANDS];
    int32_t period, correlation_q15;
    int16_t dry[PERCEPNET_HOP]; /* as it went in */
} percepnet_frame;

/* The other signals, of one frame at a time, in pipeline order. Newest: frame n; others: l. */
typedef struct {
    percepnet_spectrum newest, z, enhanced;
    int64_t newest_energy[PERCEPNET_N_BANDS];
    int64_t cross[PERCEPNET_N_BANDS], p_energy[PERCEPNET_N_BANDS], z_energy[PERCEPNET_N_BANDS];
    int32_t comb_q15[PERCEPNET_WINDOW];
    int32_t band_gain_q15[PERCEPNET_N_BANDS];
    int32_t hop_q8[PERCEPNET_HOP];
    int16_t coherence_q15[PERCEPNET_N_BANDS];
    int16_t scale_q13[PERCEPNET_N_BANDS];
    int16_t wet[PERCEPNET_HOP], out[PERCEPNET_HOP];
    percepnet_fft_scratch fft;
    percepnet_pitch_scratch pitch;
} percepnet_work;

/* Of percepnet_feed: before `filled` lie samples to go in, from there on samples to come out. */
typedef struct {
    int32_t filled; /* 0 ... PERCEPNET_HOP - 1 */
    int16_t vad_q15, hop[PERCEPNET_HOP];
} percepnet_feed_state;

/* What one call leaves for the next. */
typedef struct {
    percepnet_spectrum spectra[PERCEPNET_LOOKAHEAD]; /* oldest first */
    int64_t energies[PERCEPNET_LOOKAHEAD][PERCEPNET_N_BANDS];
    percepnet_stft_state stft;
    percepnet_pitch_state pitch;
    percepnet_comb_state comb;
    percepnet_dnn_state dnn;
    percepnet_decay_floor_state decay_floor_state;
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
