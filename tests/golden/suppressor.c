/* The whole of PercepNet: follow one frame from the microphone to the loudspeaker. */
#include "suppressor.h"

#include <string.h>

#include "fixed.h"

typedef char percepnet_state_fits[sizeof(struct percepnet) <= PERCEPNET_STATE_BYTES ? 1 : -1];

/* hand out frame n - 2 and remember frame n */
static void delay(percepnet_past *past, percepnet_frame *f, const percepnet_work *w)
{
    percepnet_spectrum *spectrum = past->spectra + past->oldest;
    int64_t *energies = past->energies[past->oldest];
    f->y = *spectrum;
    memcpy(f->y_energy, energies, sizeof f->y_energy);
    *spectrum = w->newest;
    memcpy(energies, w->newest_energy, sizeof w->newest_energy);
    past->oldest = (past->oldest + 1) % PERCEPNET_LOOKAHEAD;
}

/* the same for the samples: the hop that comes out now, as it went in */
static void delay_dry(percepnet_past *past, percepnet_frame *f, const int16_t *in)
{
    const size_t last = PERCEPNET_DRY_HOPS - 1;
    memcpy(f->dry, past->dry[0], sizeof f->dry);
    memmove(past->dry[0], past->dry[1], sizeof past->dry[0] * last);
    memcpy(past->dry[last], in, sizeof past->dry[last]);
}

/* the comb may reach into louder samples: give y the fractional bits of p, up to 15 fewer. Bins are
 * below 2^30: 32 bits do, at a fifth of the instructions on ARMv7. All but the last bit that goes is
 * cut off, the last one rounds: what rshift_round says */
static void align(percepnet_frame *f)
{
    const int drop = f->y.frac - f->p.frac;
    if (drop == 0)
        return;
    for (int j = 0; j < PERCEPNET_N_BINS; j++) {
        f->y.re[j] = ((f->y.re[j] >> (drop - 1)) + 1) >> 1;
        f->y.im[j] = ((f->y.im[j] >> (drop - 1)) + 1) >> 1;
    }
    for (int b = 0; b < PERCEPNET_N_BANDS; b++)
        f->y_energy[b] = rshift_round(f->y_energy[b], 2 * drop);
    f->y.frac = f->p.frac;
}

static void front_end(percepnet *st, percepnet_frame *f, int16_t *features_q12, const int16_t *in)
{
    const percepnet_kernels *kernels = st->kernels;
    percepnet_past *past = &st->past;
    percepnet_work *w = &st->work;
    percepnet_dcblock_run(&past->dcblock, w->centred, in);
    percepnet_stft_analyse(&past->stft, kernels, &w->newest, w->centred, &w->fft);
    percepnet_erb_inner(kernels, w->newest_energy, &w->newest, &w->newest);
    delay(past, f, w);
    delay_dry(past, f, in);
    percepnet_pitch_run(&past->pitch, kernels, &f->period, &f->correlation_q15, w->centred,
                        &w->pitch);
    percepnet_comb_run(&past->comb, w->comb_q15, w->centred, f->period);
    percepnet_stft_comb(kernels, &f->p, w->comb_q15, f->y.frac, &w->fft);
    align(f);
    percepnet_erb_inner(kernels, w->cross, &f->y, &f->p);
    percepnet_erb_inner(kernels, w->p_energy, &f->p, &f->p);
    percepnet_features_coherence(w->coherence_q15, f->y_energy, w->cross, w->p_energy,
                                 percepnet_comb_centre_weight(f->period));
    percepnet_features_scale(features_q12, w->newest_energy, w->newest.frac, w->coherence_q15,
                             f->period, f->correlation_q15);
}

static void back_end(percepnet *st, const percepnet_frame *f, const int16_t *gain_q15,
                     const int16_t *strength_q15, int16_t *out)
{
    const percepnet_kernels *kernels = st->kernels;
    percepnet_past *past = &st->past;
    percepnet_work *w = &st->work;
    for (int b = 0; b < PERCEPNET_N_BANDS; b++)
        w->band_gain_q15[b] = gain_q15[b];
    if (st->postfilter)
        percepnet_postfilter_envelope(w->band_gain_q15, f->y_energy, st->postfilter_beta_permille);
    if (st->decay_floor)
        percepnet_decay_run(&past->decay, w->band_gain_q15, f->y_energy, f->y.frac);
    percepnet_gains_mix(&w->z, &f->y, &f->p, strength_q15);
    percepnet_erb_inner(kernels, w->z_energy, &w->z, &w->z);
    percepnet_gains_scale(w->scale_q13, w->z_energy, f->y_energy, w->band_gain_q15);
    percepnet_gains_apply(&w->enhanced, &w->z, w->scale_q13);
    percepnet_stft_synthesise(&past->stft, kernels, w->hop_q8, &w->enhanced, &w->fft);
    if (st->highpass) {
        percepnet_highpass_run(&past->highpass, w->wet, w->hop_q8, f->period, f->correlation_q15);
    } else {
        percepnet_highpass_reset(&past->highpass); /* no old sound when it is switched on again */
        for (int i = 0; i < PERCEPNET_HOP; i++)
            w->wet[i] = sat16(rshift_round(w->hop_q8[i], 8));
    }
    percepnet_attenuation_run(&past->attenuation, w->out, w->wet, f->dry, st->attenuation_limit_db);
    memcpy(out, w->out, sizeof w->out);
}

size_t percepnet_state_bytes(void)
{
    return sizeof(struct percepnet);
}

int percepnet_check_memory(const void *mem, size_t bytes)
{
    if (mem == NULL)
        return PERCEPNET_ERR_NULL;
    if ((uintptr_t)mem % PERCEPNET_STATE_ALIGN != 0)
        return PERCEPNET_ERR_ALIGN;
    return bytes < sizeof(struct percepnet) ? PERCEPNET_ERR_SIZE : PERCEPNET_OK;
}

percepnet *percepnet_init(void *mem, size_t bytes)
{
    if (percepnet_check_memory(mem, bytes) != PERCEPNET_OK)
        return NULL;
    percepnet *st = mem;
    st->kernels = percepnet_kernels_choose();
    st->postfilter = 0;
    st->postfilter_beta_permille = 20;
    st->decay_floor = 0;
    st->highpass = 0;
    st->attenuation_limit_db = 100;
    percepnet_reset(st);
    return st;
}

int percepnet_reset(percepnet *st)
{
    if (st == NULL)
        return PERCEPNET_ERR_NULL;
    memset(&st->past, 0, sizeof st->past);
    memset(st->frames, 0, sizeof st->frames);
    memset(&st->io, 0, sizeof st->io);
    memset(&st->work, 0, sizeof st->work);
    for (int i = 0; i < PERCEPNET_LOOKAHEAD; i++)
        st->past.spectra[i].frac = PERCEPNET_SILENCE_FRAC;
    percepnet_dcblock_reset(&st->past.dcblock);
    percepnet_pitch_reset(&st->past.pitch);
    percepnet_highpass_reset(&st->past.highpass);
    percepnet_attenuation_reset(&st->past.attenuation, st->attenuation_limit_db);
    return PERCEPNET_OK;
}

int percepnet_process(percepnet *st, int16_t *out, const int16_t *in)
{
    int16_t voice_q15 = 0;
    int status = percepnet_process_block(st, out, in, 1, &voice_q15);
    return status == PERCEPNET_OK ? voice_q15 : status;
}

int percepnet_process_block(percepnet *st, int16_t *out, const int16_t *in, int hops,
                            int16_t *voice_q15)
{
    if (st == NULL || out == NULL || in == NULL)
        return PERCEPNET_ERR_NULL;
    if (hops < 1 || hops > PERCEPNET_BLOCK)
        return PERCEPNET_ERR_RANGE;
    percepnet_dnn_io *io = &st->io;
    for (int i = 0; i < hops; i++)
        front_end(st, &st->frames[i], io->features_q12[i], in + i * PERCEPNET_HOP);
    percepnet_dnn_run(&st->past.dnn, st->kernels, io, hops);
    for (int i = 0; i < hops; i++)
        back_end(st, &st->frames[i], io->gain_q15[i], io->strength_q15[i], out + i * PERCEPNET_HOP);
    if (voice_q15 != NULL)
        memcpy(voice_q15, io->vad_q15, (size_t)hops * sizeof *voice_q15);
    return PERCEPNET_OK;
}

/* One hop's room holds both: where a sample came out, the next one to go in takes its place. */
int percepnet_feed(percepnet *st, int16_t *out, const int16_t *in, int count)
{
    if (st == NULL || out == NULL || in == NULL)
        return PERCEPNET_ERR_NULL;
    if (count < 0)
        return PERCEPNET_ERR_RANGE;
    percepnet_feed_state *feed = &st->past.feed;
    for (int i = 0; i < count; i++) {
        const int16_t sample = in[i];
        out[i] = feed->hop[feed->filled];
        feed->hop[feed->filled++] = sample;
        if (feed->filled == PERCEPNET_HOP) {
            feed->filled = 0;
            feed->vad_q15 = (int16_t)percepnet_process(st, feed->hop, feed->hop);
        }
    }
    return feed->vad_q15;
}

int percepnet_delay_samples(void)
{
    return PERCEPNET_DELAY;
}

int percepnet_feed_delay_samples(void)
{
    return PERCEPNET_FEED_DELAY;
}

int percepnet_set_postfilter(percepnet *st, int value)
{
    if (st == NULL)
        return PERCEPNET_ERR_NULL;
    if (value < 0 || value > 1)
        return PERCEPNET_ERR_RANGE;
    st->postfilter = value;
    return PERCEPNET_OK;
}

int percepnet_postfilter(const percepnet *st)
{
    return st == NULL ? PERCEPNET_ERR_NULL : st->postfilter;
}

int percepnet_set_postfilter_beta_permille(percepnet *st, int value)
{
    if (st == NULL)
        return PERCEPNET_ERR_NULL;
    if (value < 1 || value > 1000)
        return PERCEPNET_ERR_RANGE;
    st->postfilter_beta_permille = value;
    return PERCEPNET_OK;
}

int percepnet_postfilter_beta_permille(const percepnet *st)
{
    return st == NULL ? PERCEPNET_ERR_NULL : st->postfilter_beta_permille;
}

int percepnet_set_decay_floor(percepnet *st, int value)
{
    if (st == NULL)
        return PERCEPNET_ERR_NULL;
    if (value < 0 || value > 1)
        return PERCEPNET_ERR_RANGE;
    st->decay_floor = value;
    return PERCEPNET_OK;
}

int percepnet_decay_floor(const percepnet *st)
{
    return st == NULL ? PERCEPNET_ERR_NULL : st->decay_floor;
}

int percepnet_set_highpass(percepnet *st, int value)
{
    if (st == NULL)
        return PERCEPNET_ERR_NULL;
    if (value < 0 || value > 1)
        return PERCEPNET_ERR_RANGE;
    st->highpass = value;
    return PERCEPNET_OK;
}

int percepnet_highpass(const percepnet *st)
{
    return st == NULL ? PERCEPNET_ERR_NULL : st->highpass;
}

int percepnet_set_attenuation_limit_db(percepnet *st, int value)
{
    if (st == NULL)
        return PERCEPNET_ERR_NULL;
    if (value < 0 || value > 100)
        return PERCEPNET_ERR_RANGE;
    st->attenuation_limit_db = value;
    return PERCEPNET_OK;
}

int percepnet_attenuation_limit_db(const percepnet *st)
{
    return st == NULL ? PERCEPNET_ERR_NULL : st->attenuation_limit_db;
}

const char *percepnet_version(void)
{
    return PERCEPNET_VERSION;
}

const char *percepnet_model_id(void)
{
    return PERCEPNET_MODEL_ID;
}
