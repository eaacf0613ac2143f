#include "prove.h"

#include "suppressor.h"

/* Stages as their headers state them: each asserts what it is called with, reads the first and the last
 * of every array that goes in, and leaves anything in what comes out. */
static int nothing;
static int newest_frac, comb_drop; /* fractional bits of the newest spectrum, and how many fewer p has */
#define READ(p, count) (nothing += (p)[0] != 0, nothing = (p)[(count) - 1] != 0)
#define SPECTRUM(s) (READ((s)->re, PERCEPNET_N_BINS), READ((s)->im, PERCEPNET_N_BINS))
#define LEAVE(p, count) Frama_C_make_unknown((char *)(p), sizeof *(p) * (count))
#define LEAVE64(p, count, low, high) EACH(i_, count)(p)[i_] = Frama_C_long_long_interval(low, high)

/* bins of y and of p are within the bound of the plan: piece `fft`; those of z between them: `between` */
static percepnet_spectrum bins;

static void leave_spectrum(percepnet_spectrum *s, int frac)
{
    *s = bins;
    s->frac = frac;
}

void percepnet_dcblock_reset(percepnet_dcblock_state *st)
{
    st->sum_q10 = 512;
}

void percepnet_dcblock_run(percepnet_dcblock_state *st, int16_t out[PERCEPNET_HOP],
                           const int16_t in[PERCEPNET_HOP])
{
    //@ assert \separated(out + (0 .. 479), in + (0 .. 479));
    READ(in, PERCEPNET_HOP);
    LEAVE(out, PERCEPNET_HOP);
    st->sum_q10 = Frama_C_interval(INT32_MIN, INT32_MAX);
}

void percepnet_stft_analyse(percepnet_stft_state *st, const percepnet_kernels *kernels,
                            percepnet_spectrum *out, const int16_t hop[PERCEPNET_HOP],
                            percepnet_fft_scratch *work)
{
    (void)st, (void)kernels, (void)work;
    READ(hop, PERCEPNET_HOP);
    leave_spectrum(out, newest_frac);
}

void percepnet_stft_comb(const percepnet_kernels *kernels, percepnet_spectrum *out,
                         const int32_t acc_q15[PERCEPNET_WINDOW], int32_t max_frac,
                         percepnet_fft_scratch *work)
{
    (void)kernels, (void)work;
    //@ assert PERCEPNET_FRAC_MIN <= max_frac <= PERCEPNET_SILENCE_FRAC;
    READ(acc_q15, PERCEPNET_WINDOW);
    const int frac = max_frac - comb_drop;
    leave_spectrum(out, frac < PERCEPNET_FRAC_MIN ? PERCEPNET_FRAC_MIN : frac);
}

void percepnet_stft_synthesise(percepnet_stft_state *st, const percepnet_kernels *kernels,
                               int32_t out_q8[PERCEPNET_HOP], const percepnet_spectrum *in,
                               percepnet_fft_scratch *work)
{
    (void)st, (void)kernels, (void)work;
    SPECTRUM(in);
    LEAVE(out_q8, PERCEPNET_HOP);
}

void percepnet_erb_inner(const percepnet_kernels *kernels, int64_t sums[PERCEPNET_N_BANDS],
                         const percepnet_spectrum *a, const percepnet_spectrum *b)
{
    (void)kernels;
    //@ assert a->frac == b->frac;
    SPECTRUM(a);
    SPECTRUM(b);
    LEAVE64(sums, PERCEPNET_N_BANDS, a == b ? 0 : -ENERGY_MAX, ENERGY_MAX);
}

void percepnet_pitch_reset(percepnet_pitch_state *st)
{
    st->best = 0;
}

void percepnet_pitch_run(percepnet_pitch_state *st, const percepnet_kernels *kernels, int32_t *period,
                         int32_t *correlation_q15, const int16_t hop[PERCEPNET_HOP],
                         percepnet_pitch_scratch *scratch)
{
    (void)st, (void)kernels, (void)scratch;
    READ(hop, PERCEPNET_HOP);
    *period = Frama_C_interval(PERCEPNET_T_MIN, PERCEPNET_T_MAX);
    *correlation_q15 = Frama_C_interval(0, 32767);
}

void percepnet_comb_run(percepnet_comb_state *st, int32_t acc_q15[PERCEPNET_WINDOW],
                        const int16_t hop[PERCEPNET_HOP], int32_t period)
{
    (void)st;
    //@ assert PERCEPNET_T_MIN <= period <= PERCEPNET_T_MAX;
    READ(hop, PERCEPNET_HOP);
    LEAVE(acc_q15, PERCEPNET_WINDOW);
}

int32_t percepnet_comb_centre_weight(int32_t period)
{
    //@ assert PERCEPNET_T_MIN <= period <= PERCEPNET_T_MAX;
    return Frama_C_interval(0, CENTRE_MAX_Q15);
}

void percepnet_features_coherence(int16_t coherence_q15[PERCEPNET_N_BANDS],
                                  const int64_t y_energy[PERCEPNET_N_BANDS],
                                  const int64_t cross[PERCEPNET_N_BANDS],
                                  const int64_t p_energy[PERCEPNET_N_BANDS], int32_t centre_q15)
{
    //@ assert 0 <= centre_q15 <= CENTRE_MAX_Q15;
    READ(y_energy, PERCEPNET_N_BANDS);
    READ(cross, PERCEPNET_N_BANDS);
    READ(p_energy, PERCEPNET_N_BANDS);
    LEAVE(coherence_q15, PERCEPNET_N_BANDS);
}

void percepnet_features_scale(int16_t features_q12[PERCEPNET_N_FEATURES],
                              const int64_t newest_energy[PERCEPNET_N_BANDS], int32_t frac,
                              const int16_t coherence_q15[PERCEPNET_N_BANDS], int32_t period,
                              int32_t correlation_q15)
{
    //@ assert PERCEPNET_FRAC_MIN <= frac <= PERCEPNET_SILENCE_FRAC;
    //@ assert PERCEPNET_T_MIN <= period <= PERCEPNET_T_MAX && 0 <= correlation_q15 <= 32767;
    READ(newest_energy, PERCEPNET_N_BANDS);
    READ(coherence_q15, PERCEPNET_N_BANDS);
    LEAVE(features_q12, PERCEPNET_N_FEATURES);
}

void percepnet_dnn_run(percepnet_dnn_state *st, const percepnet_kernels *kernels, percepnet_dnn_io *io,
                       int frames)
{
    (void)st, (void)kernels;
    //@ assert 1 <= frames <= PERCEPNET_BLOCK;
    EACH(f, frames)
    {
        READ(io->features_q12[f], PERCEPNET_N_FEATURES);
        LEAVE(io->gain_q15[f], PERCEPNET_N_BANDS);
        LEAVE(io->strength_q15[f], PERCEPNET_N_BANDS);
        io->vad_q15[f] = (int16_t)Frama_C_interval(0, 32767);
    }
}

void percepnet_postfilter_envelope(int32_t gain_q15[PERCEPNET_N_BANDS],
                                   const int64_t y_energy[PERCEPNET_N_BANDS], int32_t beta_permille)
{
    //@ assert 1 <= beta_permille <= 1000;
    READ(y_energy, PERCEPNET_N_BANDS);
    LEAVE(gain_q15, PERCEPNET_N_BANDS);
}

void percepnet_decay_run(percepnet_decay *st, int32_t gain_q15[PERCEPNET_N_BANDS],
                         const int64_t y_energy[PERCEPNET_N_BANDS], int32_t frac)
{
    (void)st;
    //@ assert PERCEPNET_FRAC_MIN <= frac <= PERCEPNET_SILENCE_FRAC;
    READ(y_energy, PERCEPNET_N_BANDS);
    LEAVE(gain_q15, PERCEPNET_N_BANDS);
}

void percepnet_gains_mix(percepnet_spectrum *z, const percepnet_spectrum *y, const percepnet_spectrum *p,
                         const int16_t strength_q15[PERCEPNET_N_BANDS])
{
    //@ assert y->frac == p->frac && z != y && z != p;
    SPECTRUM(y);
    SPECTRUM(p);
    READ(strength_q15, PERCEPNET_N_BANDS);
    leave_spectrum(z, y->frac);
}

void percepnet_gains_scale(int16_t scale_q13[PERCEPNET_N_BANDS], const int64_t z_energy[PERCEPNET_N_BANDS],
                           const int64_t y_energy[PERCEPNET_N_BANDS],
                           const int32_t gain_q15[PERCEPNET_N_BANDS])
{
    READ(z_energy, PERCEPNET_N_BANDS);
    READ(y_energy, PERCEPNET_N_BANDS);
    READ(gain_q15, PERCEPNET_N_BANDS);
    LEAVE(scale_q13, PERCEPNET_N_BANDS);
}

void percepnet_gains_apply(percepnet_spectrum *enhanced, const percepnet_spectrum *z,
                           const int16_t scale_q13[PERCEPNET_N_BANDS])
{
    //@ assert enhanced != z;
    SPECTRUM(z);
    READ(scale_q13, PERCEPNET_N_BANDS);
    LEAVE(enhanced->re, PERCEPNET_N_BINS);
    LEAVE(enhanced->im, PERCEPNET_N_BINS);
    enhanced->frac = z->frac - PERCEPNET_ENHANCED_SHIFT;
}

void percepnet_highpass_reset(percepnet_highpass_state *st)
{
    st->m0_q43 = 0;
}

void percepnet_highpass_run(percepnet_highpass_state *st, int16_t out[PERCEPNET_HOP],
                            const int32_t hop_q8[PERCEPNET_HOP], int32_t period, int32_t correlation_q15)
{
    (void)st;
    //@ assert PERCEPNET_T_MIN <= period <= PERCEPNET_T_MAX && 0 <= correlation_q15 <= 32767;
    READ(hop_q8, PERCEPNET_HOP);
    LEAVE(out, PERCEPNET_HOP);
}

void percepnet_attenuation_reset(percepnet_attenuation_state *st, int32_t limit_db)
{
    //@ assert 0 <= limit_db <= 100;
    st->share_q30 = 0;
}

void percepnet_attenuation_run(percepnet_attenuation_state *st, int16_t out[PERCEPNET_HOP],
                               const int16_t wet[PERCEPNET_HOP], const int16_t dry[PERCEPNET_HOP],
                               int32_t limit_db)
{
    (void)st;
    //@ assert 0 <= limit_db <= 100;
    READ(wet, PERCEPNET_HOP);
    READ(dry, PERCEPNET_HOP);
    LEAVE(out, PERCEPNET_HOP);
}

static const percepnet_kernels kernels;

const percepnet_kernels *percepnet_kernels_choose(void)
{
    return &kernels;
}

#include "stage/suppressor.c"

static struct percepnet instance;
static int16_t sound[PERCEPNET_BLOCK * PERCEPNET_HOP], voice[PERCEPNET_BLOCK];

/* one frame of any settings, by the fractional bits of the newest spectrum, of y and of p */
static void frame(int newest, int y, int drop, int hops)
{
    percepnet *st = &instance;
    newest_frac = newest;
    comb_drop = drop;
    EACH(i, PERCEPNET_LOOKAHEAD)
    {
        leave_spectrum(&st->past.spectra[i], y);
        LEAVE64(st->past.energies[i], PERCEPNET_N_BANDS, 0, ENERGY_MAX);
    }
    percepnet_process_block(st, sound, sound, hops, voice);
}

/* setters take any number; every value that they let pass is one that the stages take */
void prove_blocks(void)
{
    ANY32(bins.re, -SPECTRUM_MAX, SPECTRUM_MAX);
    ANY32(bins.im, -SPECTRUM_MAX, SPECTRUM_MAX);
    if (percepnet_init(&instance, sizeof instance) == NULL)
        return; /* memory that is not aligned, for all that the analysis knows */
    percepnet_set_postfilter(&instance, Frama_C_interval(INT32_MIN, INT32_MAX));
    percepnet_set_postfilter_beta_permille(&instance, Frama_C_interval(INT32_MIN, INT32_MAX));
    percepnet_set_decay_floor(&instance, Frama_C_interval(INT32_MIN, INT32_MAX));
    percepnet_set_highpass(&instance, Frama_C_interval(INT32_MIN, INT32_MAX));
    percepnet_set_attenuation_limit_db(&instance, Frama_C_interval(INT32_MIN, INT32_MAX));
    EACH(hops, PERCEPNET_BLOCK + 2)
    frame(PERCEPNET_FRAC_MIN, PERCEPNET_FRAC_MIN, 0, hops);
    for (int y = PERCEPNET_FRAC_MIN; y <= PERCEPNET_SILENCE_FRAC; y++)
        EACH(drop, y - PERCEPNET_FRAC_MIN + 1)
    frame(PERCEPNET_SILENCE_FRAC, y, drop, 1);
    END();
}
