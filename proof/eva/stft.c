#include "prove.h"

#include "stage/stft.c"

static percepnet_stft_state st;
static percepnet_spectrum spectrum;
static percepnet_fft_scratch work;
static int16_t hop[PERCEPNET_HOP];
static int32_t acc_q15[PERCEPNET_WINDOW], out_q8[PERCEPNET_HOP];
static int32_t fft_max; /* of this direction */

/* The transforms by their ranges, which the linear forms prove; they read all of their input. */
static void some_fft(int32_t *a_re, int32_t *a_im, int32_t *b_re, int32_t *b_im)
{
    EACH(i, PERCEPNET_HOP) {
        b_re[i] = a_re[i], b_im[i] = a_im[i]; /* read */
        b_re[i] = Frama_C_interval(-fft_max, fft_max);
        b_im[i] = Frama_C_interval(-fft_max, fft_max);
    }
}

static void some_bins(int32_t *low_re, int32_t *low_im, int32_t *high_re, int32_t *high_im,
                      const int32_t *re, const int32_t *im)
{
    EACH(k, PERCEPNET_HOP / 2) {
        low_re[0] = re[k] / 2 + im[k] / 2 + re[PERCEPNET_HOP - 1 - k] / 2; /* read */
        if (k == 0)
            continue;
        low_re[k] = Frama_C_interval(-SPECTRUM_MAX, SPECTRUM_MAX);
        low_im[k] = Frama_C_interval(-SPECTRUM_MAX, SPECTRUM_MAX);
        high_re[k - 1] = Frama_C_interval(-SPECTRUM_MAX, SPECTRUM_MAX);
        high_im[k - 1] = Frama_C_interval(-SPECTRUM_MAX, SPECTRUM_MAX);
    }
}

static void some_values(int32_t *low_re, int32_t *low_im, int32_t *high_re, int32_t *high_im,
                        const int32_t *re, const int32_t *im, int shift)
{
    (void)shift;
    some_bins(low_re, low_im, high_re, high_im, re, im);
}

static const percepnet_kernels kernels = {
    .fft_s32 = some_fft, .unpack_s32 = some_bins, .pack_s32 = some_values};

/* one half of a window, by its headroom: that a raised sample fits 2^15 is lemma `headroom` */
void prove_window(void)
{
    EACH(headroom, PERCEPNET_HEADROOM_MAX + 1) {
        ANY16(hop, -(32768 >> headroom), headroom ? 32768 >> headroom : 32767);
        EACH(half, 2) {
            window_half(work.re[0], work.im[0], hop, percepnet_win_q15 + half * PERCEPNET_HOP,
                        headroom);
            EACH(i, PERCEPNET_HOP / 2) {
                //@ assert -(1 << 20) <= work.re[0][i] <= 1 << 20;
                //@ assert -(1 << 20) <= work.im[0][i] <= 1 << 20;
            }
        }
    }
    END();
}

/* analysis, but for the window: peaks and what becomes of the FFT; by the peak of the samples */
void prove_analyse(void)
{
    fft_max = SPECTRUM_MAX;
    ANY16(hop, INT16_MIN, INT16_MAX);
    int32_t peak = peak16(hop);
    //@ assert 0 <= peak <= 32768;
    ANY32(work.re[0], -SPECTRUM_MAX, SPECTRUM_MAX);
    ANY32(work.im[0], -SPECTRUM_MAX, SPECTRUM_MAX);
    transform(&kernels, &spectrum, &work);
    END();
}

/* spectrum of a comb-filtered window, by the most fractional bits that it may have */
void prove_comb_spectrum(void)
{
    fft_max = SPECTRUM_MAX;
    ANY32(acc_q15, -(1 << 30), 1 << 30);
    for (int frac = PERCEPNET_FRAC_MIN; frac <= PERCEPNET_SILENCE_FRAC; frac++) {
        percepnet_stft_comb(&kernels, &spectrum, acc_q15, frac, &work);
        //@ assert PERCEPNET_FRAC_MIN <= spectrum.frac <= frac;
    }
    END();
}

/* synthesis of any spectrum, by its fractional bits */
void prove_synthesise(void)
{
    fft_max = SYNTHESIS_MAX;
    ANY32(st.overlap_q8, INT32_MIN, INT32_MAX);
    ANY32(spectrum.re, -SPECTRUM_MAX - 1, SPECTRUM_MAX + 1);
    ANY32(spectrum.im, -SPECTRUM_MAX - 1, SPECTRUM_MAX + 1);
    for (int frac = PERCEPNET_FRAC_MIN - PERCEPNET_ENHANCED_SHIFT;
         frac <= PERCEPNET_SILENCE_FRAC - PERCEPNET_ENHANCED_SHIFT; frac++) {
        spectrum.frac = frac;
        percepnet_stft_synthesise(&st, &kernels, out_q8, &spectrum, &work);
    }
    END();
}
