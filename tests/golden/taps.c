/* Where each stage's signal lies in an instance, in pipeline order. */
#include "taps.h"

#include <stddef.h>

#include "suppressor.h"

const percepnet_tap percepnet_taps[] = {
    {"centred", offsetof(struct percepnet, work.centred), 480, 2},
    {"dry", offsetof(struct percepnet, frames[0].dry), 480, 2},
    {"newest_re", offsetof(struct percepnet, work.newest.re), 481, 4},
    {"newest_im", offsetof(struct percepnet, work.newest.im), 481, 4},
    {"newest_frac", offsetof(struct percepnet, work.newest.frac), 1, 4},
    {"newest_energy", offsetof(struct percepnet, work.newest_energy), 34, 8},
    {"period", offsetof(struct percepnet, frames[0].period), 1, 4},
    {"correlation_q15", offsetof(struct percepnet, frames[0].correlation_q15), 1, 4},
    {"comb_q15", offsetof(struct percepnet, work.comb_q15), 960, 4},
    {"y_re", offsetof(struct percepnet, frames[0].y.re), 481, 4},
    {"y_im", offsetof(struct percepnet, frames[0].y.im), 481, 4},
    {"y_frac", offsetof(struct percepnet, frames[0].y.frac), 1, 4},
    {"p_re", offsetof(struct percepnet, frames[0].p.re), 481, 4},
    {"p_im", offsetof(struct percepnet, frames[0].p.im), 481, 4},
    {"p_frac", offsetof(struct percepnet, frames[0].p.frac), 1, 4},
    {"y_energy", offsetof(struct percepnet, frames[0].y_energy), 34, 8},
    {"cross", offsetof(struct percepnet, work.cross), 34, 8},
    {"p_energy", offsetof(struct percepnet, work.p_energy), 34, 8},
    {"coherence_q15", offsetof(struct percepnet, work.coherence_q15), 34, 2},
    {"features_q12", offsetof(struct percepnet, io.features_q12), 70, 2},
    {"dense_q15", offsetof(struct percepnet, past.dnn.dense_q15), 7, 2},
    {"conv1_q15", offsetof(struct percepnet, past.dnn.conv1_q15), 9, 2},
    {"conv2_q15", offsetof(struct percepnet, past.dnn.conv2_q15), 9, 2},
    {"gru1_q15", offsetof(struct percepnet, past.dnn.gru1_q15), 11, 2},
    {"gru2_q15", offsetof(struct percepnet, past.dnn.gru2_q15), 11, 2},
    {"gru3_q15", offsetof(struct percepnet, past.dnn.gru3_q15), 11, 2},
    {"gru_gain_q15", offsetof(struct percepnet, past.dnn.gru_gain_q15), 11, 2},
    {"gru_strength_q15", offsetof(struct percepnet, past.dnn.gru_strength_q15), 5, 2},
    {"gain_q15", offsetof(struct percepnet, io.gain_q15), 34, 2},
    {"strength_q15", offsetof(struct percepnet, io.strength_q15), 34, 2},
    {"vad_q15", offsetof(struct percepnet, io.vad_q15), 1, 2},
    {"band_gain_q15", offsetof(struct percepnet, work.band_gain_q15), 34, 4},
    {"z_re", offsetof(struct percepnet, work.z.re), 481, 4},
    {"z_im", offsetof(struct percepnet, work.z.im), 481, 4},
    {"z_frac", offsetof(struct percepnet, work.z.frac), 1, 4},
    {"z_energy", offsetof(struct percepnet, work.z_energy), 34, 8},
    {"scale_q13", offsetof(struct percepnet, work.scale_q13), 34, 2},
    {"enhanced_re", offsetof(struct percepnet, work.enhanced.re), 481, 4},
    {"enhanced_im", offsetof(struct percepnet, work.enhanced.im), 481, 4},
    {"enhanced_frac", offsetof(struct percepnet, work.enhanced.frac), 1, 4},
    {"hop_q8", offsetof(struct percepnet, work.hop_q8), 480, 4},
    {"wet", offsetof(struct percepnet, work.wet), 480, 2},
    {"out", offsetof(struct percepnet, work.out), 480, 2},
};
const int percepnet_n_taps = (int)(sizeof percepnet_taps / sizeof percepnet_taps[0]);
const unsigned percepnet_scratch_bytes = (unsigned)(sizeof(struct percepnet) - offsetof(struct percepnet, frames));
