/* Inside of an instance. Private: programs include percepnet.h only. */
#ifndef PERCEPNET_SUPPRESSOR_H
#define PERCEPNET_SUPPRESSOR_H

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

/* Signals of one call, in pipeline order. Newest: frame n; all others: frame l = n - 2. */
typedef struct {
    percepnet_spectrum newest, y, p, z, enhanced;
    int64_t newest_energy[PERCEPNET_N_BANDS], y_energy[PERCEPNET_N_BANDS];
    int64_t cross[PERCEPNET_N_BANDS], p_energy[PERCEPNET_N_BANDS], z_energy[PERCEPNET_N_BANDS];
    int32_t comb_q15[PERCEPNET_WINDOW];
    int32_t period, correlation_q15;
    int32_t band_gain_q15[PERCEPNET_N_BANDS];
    int32_t hop_q8[PERCEPNET_HOP];
    int16_t coherence_q15[PERCEPNET_N_BANDS], features_q12[PERCEPNET_N_FEATURES];
    int16_t gain_q15[PERCEPNET_N_BANDS], strength_q15[PERCEPNET_N_BANDS], vad_q15;
    int16_t scale_q13[PERCEPNET_N_BANDS];
    int16_t out[PERCEPNET_HOP];
    percepnet_fft_scratch fft;
    percepnet_pitch_scratch pitch;
} percepnet_frame;

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
} percepnet_past;

struct percepnet {
    const percepnet_kernels *kernels; /* the fastest of this CPU */
    int32_t postfilter;
    int32_t decay_floor;
    int32_t highpass;
    percepnet_past past;
    percepnet_frame frame;
};

#endif
