/* WAV in and out for the command: 16-bit PCM, 24-bit PCM and 32-bit float, of any rate.
 *
 * Samples are handed over as interleaved int16_t (24 bit and float are rounded and saturated).
 * Whatever is wrong ends the program through die(): what was found and what is needed. */
#ifndef WAV_H
#define WAV_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "output.h"

#define WAV_UNKNOWN UINT64_MAX /* length known only at the end of the stream */
#define WAV_MAX_CHANNELS 64

typedef struct {
    FILE *file;
    const char *name;
    unsigned char fmt[40]; /* the "fmt " chunk as it stands in the input; the output repeats it */
    uint32_t fmt_bytes;
    uint32_t rate;            /* Hz */
    unsigned channels, bytes; /* bytes per sample: 2, 3, or 4 = float */
    uint64_t length;          /* declared samples per channel, or WAV_UNKNOWN */
    uint64_t done;            /* samples per channel read or written so far */
    uint64_t clipped;         /* float samples beyond +-1 met so far */
    output to;                /* output only */
} wav;

/* Opens `name` ("-": standard input) and reads its header. */
void wav_open(wav *in, const char *name);

/* Reads up to `count` samples per channel into `pcm`, fewer only at the end. */
size_t wav_read(wav *in, int16_t *pcm, size_t count);

/* Opens `name` ("-": standard output) for writing in the format of `in`, which it must not be. */
void wav_create(wav *out, const char *name, const wav *in);

/* Writes `count` samples per channel. */
void wav_write(wav *out, const int16_t *pcm, size_t count);

/* Completes the header and gives the file its name. */
void wav_finish(wav *out);

#endif
