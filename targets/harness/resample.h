/* Another rate of int16_t, by a windowed sinc (Smith, "Digital Audio Resampling"): flat within 0.01 dB
 * up to 0.9 of half the lower rate, 100 dB down from half of it on. A sample that comes out stands
 * where it stood, so there is no delay to take out; it only waits for what its filter reaches. The
 * filter is computed once, in doubles rounded to integers; the samples are integers throughout. Any pair
 * of rates costs at most 4 MB and a fifth of a second to begin with. */
#ifndef RESAMPLE_H
#define RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

#define RESAMPLE_LOWEST 8000 /* Hz */
#define RESAMPLE_HIGHEST 192000

typedef struct resampler resampler;

/* From a rate to another, both within the limits. NULL: no memory. */
resampler *resampler_new(uint32_t from, uint32_t to, unsigned channels);

/* Samples a channel that `count` samples can give at most. */
size_t resampler_room(const resampler *r, size_t count);

/* Takes `count` samples a channel, interleaved (NULL: silence, to push out the last), and writes those
 * that are ready to `out`. Returns how many a channel. */
size_t resampler_run(resampler *r, const int16_t *in, size_t count, int16_t *out);

/* Samples that an output waits for behind the place where it stands. */
size_t resampler_reach(const resampler *r);

/* Forgets all samples. */
void resampler_reset(resampler *r);

void resampler_free(resampler *r);

#endif
