/* WAV files as streams of 48 kHz, the rate of the library. Files of other rates are resampled on the
 * way in, and back on the way out, where that was asked for. */
#ifndef STREAM_H
#define STREAM_H

#include "resample.h"
#include "wav_write.h"

typedef struct {
    wav_in file;
    uint64_t done;         /* samples per channel handed out, at 48 kHz */
    resampler *resampler;  /* NULL: the file has 48 kHz */
    int16_t *read, *ready; /* a block of the file, and what became of it */
    size_t block;          /* samples per channel of a block */
    size_t from, to;       /* of `ready`: what waits to be handed out */
} source;

typedef struct {
    wav_out file;
    uint64_t done; /* samples per channel taken, at 48 kHz */
    resampler *resampler;
    int16_t *ready;
} sink;

/* Opens `name`, through `decoder` if it is no WAV (see wav_open). 0: refused, as is a rate other than
 * 48 kHz unless `resample` is set. */
int source_open(source *s, const char *name, const char *decoder, int resample);

/* Reads up to `count` samples per channel of 48 kHz, fewer only at the end. */
size_t source_read(source *s, int16_t *pcm, size_t count);

void source_close(source *s);

/* Begins a file, which is open, in the format and rate of the source. */
void sink_begin(sink *s, const source *from);

/* Takes up to PERCEPNET_HOP samples per channel of 48 kHz. 0: they cannot be written. */
int sink_write(sink *s, const int16_t *pcm, size_t count);

/* Completes the file, as long as its source was. */
void sink_finish(sink *s, source *from);

#endif
