/* The whole of PercepNet: follow one frame from the microphone to the loudspeaker. */
#include "suppressor.h"

#include <string.h>

#include "fixed.h"

typedef char percepnet_state_fits[sizeof(struct percepnet) <= PERCEPNET_STATE_BYTES ? 1 : -1];

/* hand out frame n - 2 and remember frame n */
static void delay(percepnet_past *past, percepnet_frame *f)
{
    const size_t last = PERCEPNET_LOOKAHEAD - 1;
    f->y = past->spectra[0];
    memcpy(f->y_energy, past->energies[0], sizeof f->y_energy);
    memmove(past->spectra, past->spectra + 1, sizeof past->spectra[0] * last);
    memmove(past->energies, past->energies + 1, sizeof past->energies[0] * last);
    past->spectra[last] = f->newest;
    memcpy(past->energies[last], f->newest_energy, sizeof f->newest_energy);
}

/* the comb may reach into louder samples: give y the fractional bits of p */
static void align(percepnet_frame *f)
{
    const int drop = f->y.frac - f->p.frac;
    if (drop == 0)
        return;
    for (int j = 0; j < PERCEPNET_N_BINS; j++) {
        f->y.re[j] = (int32_t)rshift_round(f->y.re[j], drop);
        f->y.im[j] = (int32_t)rshift_round(f->y.im[j], drop);
    }
    for (int b = 0; b < PERCEPNET_N_BANDS; b++)
        f->y_energy[b] = rshift_round(f->y_energy[b], 2 * drop);
    f->y.frac = f->p.frac;
}

static void front_end(percepnet *st, const int16_t *in)
{
    percepnet_past *past = &st->past;
    percepnet_frame *f = &st->frame;
    percepnet_stft_analyse(&past->stft, &f->newest, in, &f->fft);
    percepnet_erb_inner(f->newest_energy, &f->newest, &f->newest);
    delay(past, f);
    percepnet_pitch_run(&past->pitch, &f->period, &f->correlation_q15, in, &f->pitch);
    percepnet_comb_run(&past->comb, f->comb_q15, in, f->period);
    percepnet_stft_comb(&f->p, f->comb_q15, f->y.frac, &f->fft);
    align(f);
    percepnet_erb_inner(f->cross, &f->y, &f->p);
    percepnet_erb_inner(f->p_energy, &f->p, &f->p);
    percepnet_features_coherence(f->coherence_q15, f->y_energy, f->cross, f->p_energy,
                                 percepnet_comb_centre_weight(f->period));
    percepnet_features_scale(f->features_q12, f->newest_energy, f->newest.frac, f->coherence_q15,
                             f->period, f->correlation_q15);
}

static void back_end(percepnet *st)
{
    percepnet_past *past = &st->past;
    percepnet_frame *f = &st->frame;
    for (int b = 0; b < PERCEPNET_N_BANDS; b++)
        f->band_gain_q15[b] = f->gain_q15[b];
    if (st->postfilter)
        percepnet_postfilter_envelope(f->band_gain_q15, f->y_energy);
    if (st->decay_floor)
        percepnet_postfilter_decay_floor(&past->decay_floor_state, f->band_gain_q15, f->y_energy,
                                         f->y.frac);
    percepnet_gains_mix(&f->z, &f->y, &f->p, f->strength_q15);
    percepnet_erb_inner(f->z_energy, &f->z, &f->z);
    percepnet_gains_scale(f->scale_q13, f->z_energy, f->y_energy, f->band_gain_q15);
    percepnet_gains_apply(&f->enhanced, &f->z, f->scale_q13);
    percepnet_stft_synthesise(&past->stft, f->hop_q8, &f->enhanced, &f->fft);
    if (st->highpass)
        percepnet_highpass_run(&past->highpass, f->out, f->hop_q8, f->period, f->correlation_q15);
    else
        for (int i = 0; i < PERCEPNET_HOP; i++)
            f->out[i] = sat16(rshift_round(f->hop_q8[i], 8));
}

size_t percepnet_state_bytes(void)
{
    return sizeof(struct percepnet);
}

percepnet *percepnet_init(void *mem, size_t bytes)
{
    if (mem == NULL || (uintptr_t)mem % 16 != 0 || bytes < sizeof(struct percepnet))
        return NULL;
    percepnet *st = mem;
    st->kernels = percepnet_kernels_choose();
    st->postfilter = 1;
    st->decay_floor = 0;
    st->highpass = 0;
    percepnet_reset(st);
    return st;
}

int percepnet_reset(percepnet *st)
{
    if (st == NULL)
        return PERCEPNET_ERR_NULL;
    memset(&st->past, 0, sizeof st->past);
    memset(&st->frame, 0, sizeof st->frame);
    for (int i = 0; i < PERCEPNET_LOOKAHEAD; i++)
        st->past.spectra[i].frac = PERCEPNET_SILENCE_FRAC;
    percepnet_pitch_reset(&st->past.pitch);
    percepnet_highpass_reset(&st->past.highpass);
    return PERCEPNET_OK;
}

int percepnet_process(percepnet *st, int16_t *out, const int16_t *in)
{
    if (st == NULL || out == NULL || in == NULL)
        return PERCEPNET_ERR_NULL;
    percepnet_frame *f = &st->frame;
    front_end(st, in);
    percepnet_dnn_run(&st->past.dnn, st->kernels, f->gain_q15, f->strength_q15, &f->vad_q15, f->features_q12);
    back_end(st);
    memcpy(out, f->out, sizeof f->out);
    return f->vad_q15;
}

int percepnet_delay_samples(void)
{
    return PERCEPNET_DELAY;
}

int percepnet_set_postfilter(percepnet *st, int on)
{
    if (st == NULL)
        return PERCEPNET_ERR_NULL;
    if (on != 0 && on != 1)
        return PERCEPNET_ERR_RANGE;
    st->postfilter = on;
    return PERCEPNET_OK;
}

int percepnet_postfilter(const percepnet *st)
{
    return st == NULL ? PERCEPNET_ERR_NULL : st->postfilter;
}

int percepnet_set_decay_floor(percepnet *st, int on)
{
    if (st == NULL)
        return PERCEPNET_ERR_NULL;
    if (on != 0 && on != 1)
        return PERCEPNET_ERR_RANGE;
    st->decay_floor = on;
    return PERCEPNET_OK;
}

int percepnet_decay_floor(const percepnet *st)
{
    return st == NULL ? PERCEPNET_ERR_NULL : st->decay_floor;
}

int percepnet_set_highpass(percepnet *st, int on)
{
    if (st == NULL)
        return PERCEPNET_ERR_NULL;
    if (on != 0 && on != 1)
        return PERCEPNET_ERR_RANGE;
    st->highpass = on;
    return PERCEPNET_OK;
}

int percepnet_highpass(const percepnet *st)
{
    return st == NULL ? PERCEPNET_ERR_NULL : st->highpass;
}

const char *percepnet_version(void)
{
    return "0.1.0";
}

const char *percepnet_model_id(void)
{
    return "toy-166d66383542";
}
