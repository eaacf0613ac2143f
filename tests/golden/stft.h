/* Short-time Fourier transform in integers: 960 samples, 480 new ones a call. */
#ifndef PERCEPNET_STFT_H
#define PERCEPNET_STFT_H

#include <stdint.h>

#include "kernels.h"
#include "params.h"

/* value = (re + i im) / 2^frac in int16 sample units, not normalised */
typedef struct {
    int32_t re[PERCEPNET_N_BINS];
    int32_t im[PERCEPNET_N_BINS];
    int32_t frac;
} percepnet_spectrum;

/* Two buffers that the stages of an FFT read and write in turn. Nothing is kept in it. */
typedef struct {
    int32_t re[2][PERCEPNET_HOP];
    int32_t im[2][PERCEPNET_HOP];
} percepnet_fft_scratch;

typedef struct {
    int32_t overlap_q8[PERCEPNET_HOP];
    int16_t previous[PERCEPNET_HOP];
} percepnet_stft_state;

void percepnet_stft_reset(percepnet_stft_state *st);

/* Spectrum of the window that ends with `hop`. */
void percepnet_stft_analyse(percepnet_stft_state *st, const percepnet_kernels *kernels,
                            percepnet_spectrum *out, const int16_t hop[PERCEPNET_HOP],
                            percepnet_fft_scratch *work);

/* Spectrum of a comb-filtered window, |acc| <= 2^30; max_frac: frac of the unfiltered one. */
void percepnet_stft_comb(const percepnet_kernels *kernels, percepnet_spectrum *out,
                         const int32_t acc_q15[PERCEPNET_WINDOW], int32_t max_frac,
                         percepnet_fft_scratch *work);

/* The hop completed by a spectrum. frac 0...20; im of bins 0 and 480 is not read. */
void percepnet_stft_synthesise(percepnet_stft_state *st, const percepnet_kernels *kernels,
                               int32_t out_q8[PERCEPNET_HOP], const percepnet_spectrum *in,
                               percepnet_fft_scratch *work);

#endif
