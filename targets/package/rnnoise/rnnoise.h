/* The functions of rnnoise, answered by PercepNet, so that a program written for librnnoise can try
 * it without a change: link this library in place of that one.
 *
 * Same as there: 48 kHz, one channel, rnnoise_get_frame_size() = 480 samples a call, floats that
 * hold values of int16 (-32768 ... 32767, not +-1), in place allowed, voice probability 0 ... 1 back.
 * Different: speech comes out PERCEPNET_DELAY = 1440 samples later; what is louder than int16 is
 * clipped; there is one model, compiled in; the results are whole numbers. */
#ifndef RNNOISE_H
#define RNNOISE_H

#include <stddef.h>
#include <stdio.h>

#if defined(__GNUC__)
#pragma GCC visibility push(default) /* the rest is compiled with hidden symbols */
#endif
#ifdef __cplusplus
extern "C" {
#endif

typedef struct DenoiseState DenoiseState;
typedef struct RNNModel RNNModel;

/* Bytes that rnnoise_init needs. */
int rnnoise_get_size(void);

/* Samples a call: 480. */
int rnnoise_get_frame_size(void);

/* Make an instance in rnnoise_get_size() bytes of any alignment; they must stay where they are.
 * `model` must be NULL. Returns 0, or -1 on anything else. */
int rnnoise_init(DenoiseState *st, RNNModel *model);

/* The same in memory of its own: NULL if there is none or `model` is not. */
DenoiseState *rnnoise_create(RNNModel *model);
void rnnoise_destroy(DenoiseState *st);

/* One frame from in to out. Returns the probability of voice. NaN counts as 0. */
float rnnoise_process_frame(DenoiseState *st, float *out, const float *in);

/* Models at run time are not there: all three return NULL, which stands for the one compiled in. */
RNNModel *rnnoise_model_from_buffer(const void *data, int bytes);
RNNModel *rnnoise_model_from_file(FILE *file);
RNNModel *rnnoise_model_from_filename(const char *name);
void rnnoise_model_free(RNNModel *model);

#ifdef __cplusplus
}
#endif
#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
