/* Short-time Fourier transform in integers: FFT of 480 complex values for 960 real ones.
 * No sum below can overflow: see bounds() in codegen/stages/stft.py. The FFT goes through two
 * buffers in turn, from the first to the second; re and im swapped make it the inverse. */
#include "stft.h"

#include <string.h>

#include "fixed.h"
#include "tables.h"

#define HALF (PERCEPNET_HOP / 2)

/* Windowed samples lie in buffer 0: even ones in re, odd ones in im. */
static void transform(const percepnet_kernels *kernels, percepnet_spectrum *out,
                      percepnet_fft_scratch *work)
{
    kernels->fft_s32(work->re[0], work->im[0], work->re[1], work->im[1]);
    const int32_t *re = work->re[1], *im = work->im[1];
    kernels->unpack_s32(out->re, out->im, out->re + HALF + 1, out->im + HALF + 1, re, im);
    out->re[0] = re[0] + im[0];
    out->im[0] = 0;
    out->re[HALF] = re[HALF];
    out->im[HALF] = -im[HALF];
    out->re[PERCEPNET_HOP] = re[0] - im[0];
    out->im[PERCEPNET_HOP] = 0;
}

/* 240 of the windowed samples, raised by `headroom` bits; raised samples fit 2^15. */
static void window_half(int32_t *restrict re, int32_t *restrict im, const int16_t *restrict x,
                        const int16_t *restrict win_q15, int headroom)
{
    int32_t gain = 1 << headroom, half = 1 << (14 - PERCEPNET_FRAC_MIN);
    for (int i = 0; i < HALF; i++) {
        re[i] = (x[2 * i] * gain * win_q15[2 * i] + half) >> (15 - PERCEPNET_FRAC_MIN);
        im[i] = (x[2 * i + 1] * gain * win_q15[2 * i + 1] + half) >> (15 - PERCEPNET_FRAC_MIN);
    }
}

static int32_t peak16(const int16_t *x)
{
    int32_t peak = 0;
    for (int i = 0; i < PERCEPNET_HOP; i++) {
        int32_t size = x[i] < 0 ? -x[i] : x[i];
        peak = size > peak ? size : peak;
    }
    return peak;
}

void percepnet_stft_reset(percepnet_stft_state *st)
{
    memset(st, 0, sizeof *st);
}

void percepnet_stft_analyse(percepnet_stft_state *st, const percepnet_kernels *kernels,
                            percepnet_spectrum *out, const int16_t hop[PERCEPNET_HOP],
                            percepnet_fft_scratch *work)
{
    int32_t before = peak16(st->previous), now = peak16(hop);
    uint32_t peak = (uint32_t)(before > now ? before : now);
    int headroom = (int)clamp(15 - bit_length(peak), 0, PERCEPNET_HEADROOM_MAX);
    window_half(work->re[0], work->im[0], st->previous, percepnet_win_q15, headroom);
    window_half(work->re[0] + HALF, work->im[0] + HALF, hop, percepnet_win_q15 + PERCEPNET_HOP,
                headroom);
    memcpy(st->previous, hop, sizeof st->previous);
    transform(kernels, out, work);
    out->frac = PERCEPNET_FRAC_MIN + headroom;
}

void percepnet_stft_comb(const percepnet_kernels *kernels, percepnet_spectrum *out,
                         const int32_t acc_q15[PERCEPNET_WINDOW], int32_t max_frac,
                         percepnet_fft_scratch *work)
{
    int32_t peak = 0, *restrict re = work->re[0], *restrict im = work->im[0];
    for (int i = 0; i < PERCEPNET_WINDOW; i++) {
        int32_t size = acc_q15[i] < 0 ? -acc_q15[i] : acc_q15[i];
        peak = size > peak ? size : peak;
    }
    int headroom = (int)clamp(30 - bit_length((uint32_t)peak), 0, max_frac - PERCEPNET_FRAC_MIN);
    int shift = 30 - PERCEPNET_FRAC_MIN - headroom;
    for (int i = 0; i < PERCEPNET_HOP; i++) {
        re[i] = (int32_t)mul_q(acc_q15[2 * i], percepnet_win_q15[2 * i], shift);
        im[i] = (int32_t)mul_q(acc_q15[2 * i + 1], percepnet_win_q15[2 * i + 1], shift);
    }
    transform(kernels, out, work);
    out->frac = PERCEPNET_FRAC_MIN + headroom;
}

static uint64_t total_size(const percepnet_spectrum *in)
{
    uint64_t total = 0;
    for (int k = 0; k < PERCEPNET_N_BINS; k++) {
        int64_t re = in->re[k], im = in->im[k];
        total += (uint64_t)((re < 0 ? -re : re) + (im < 0 ? -im : im));
    }
    return total;
}

/* 480 complex values of a spectrum, scaled by 2^-shift, into buffer 0 */
static void pack(const percepnet_kernels *kernels, percepnet_fft_scratch *work,
                 const percepnet_spectrum *in, int shift)
{
    int32_t *re = work->re[0], *im = work->im[0];
    int32_t first = (int32_t)rshift_round(in->re[0], shift);
    int32_t last = (int32_t)rshift_round(in->re[PERCEPNET_HOP], shift);
    kernels->pack_s32(re, im, re + HALF + 1, im + HALF + 1, in->re, in->im, shift);
    re[0] = (first + last) >> 1;
    im[0] = (first - last) >> 1;
    re[HALF] = (int32_t)rshift_round(in->re[HALF], shift);
    im[HALF] = -(int32_t)rshift_round(in->im[HALF], shift);
}

/* 480 samples of the window, even ones from re and odd ones from im */
static void unwindow(int32_t *restrict out_q8, const int32_t *restrict re,
                     const int32_t *restrict im, const int32_t *restrict winsyn_q39, int to_q8)
{
    for (int i = 0; i < HALF; i++) {
        out_q8[2 * i] = sat32(mul_q(re[i], winsyn_q39[2 * i], to_q8));
        out_q8[2 * i + 1] = sat32(mul_q(im[i], winsyn_q39[2 * i + 1], to_q8));
    }
}

void percepnet_stft_synthesise(percepnet_stft_state *st, const percepnet_kernels *kernels,
                               int32_t out_q8[PERCEPNET_HOP], const percepnet_spectrum *in,
                               percepnet_fft_scratch *work)
{
    const int32_t *re = work->re[1], *im = work->im[1];
    int bits = bit_length(total_size(in));
    int shift = bits > PERCEPNET_TOTAL_BITS ? bits - PERCEPNET_TOTAL_BITS : 0;
    int to_q8 = 31 + in->frac - shift;
    pack(kernels, work, in, shift);
    kernels->fft_s32(work->im[0], work->re[0], work->im[1], work->re[1]);
    unwindow(out_q8, re, im, percepnet_winsyn_q39, to_q8);
    for (int i = 0; i < PERCEPNET_HOP; i++)
        out_q8[i] = sat32((int64_t)out_q8[i] + st->overlap_q8[i]);
    unwindow(st->overlap_q8, re + HALF, im + HALF, percepnet_winsyn_q39 + PERCEPNET_HOP, to_q8);
}
