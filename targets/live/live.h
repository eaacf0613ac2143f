/* One channel of live sound, as audio hosts have it: floats of +-1, any rate, any number of samples a
 * call. Around percepnet_feed stand the resampler of the command and a line of samples that makes the
 * delay constant. Used by the plug-ins and the web package; no part of the library.
 *
 * Memory is taken by live_new alone: live_run neither allocates nor waits. */
#ifndef LIVE_H
#define LIVE_H

#include <stddef.h>
#include <stdint.h>

#include "percepnet.h"

#if defined(__GNUC__)
#pragma GCC visibility push(default) /* a WebAssembly module exports these */
#endif

typedef struct live live;

/* At `rate`, RESAMPLE_LOWEST to RESAMPLE_HIGHEST Hz. NULL: another rate, or no memory. */
live *live_new(uint32_t rate);
void live_free(live *l);

/* Forget the past, keep the settings. */
void live_reset(live *l);

/* Takes `count` samples and gives as many, those that went in live_latency() samples ago; in == out is
 * allowed. A sample becomes the nearest int16_t, what is beyond full scale is clipped, NaN is 0. */
void live_run(live *l, const float *in, float *out, size_t count);

/* Samples at `rate` from a sample going in to the same sample coming out; to the nearest where the rate
 * is no multiple of 25 Hz. */
size_t live_latency(const live *l);

/* Voice activity of the newest hop, 0 to 32767. */
int live_voice_q15(const live *l);

/* For the settings of percepnet.h. */
percepnet *live_suppressor(live *l);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
