/* WAV files and streams in: RIFF, RF64 and BW64.
 *
 * Headers lie: of a stream (no size), of a recording that was not finished (0), of a file that was cut.
 * What is there is taken, and standard error says so. */
#ifndef WAV_READ_H
#define WAV_READ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "wav_chunks.h"
#include "wav_format.h"

#define WAV_UNKNOWN UINT64_MAX /* length known only at the end of the stream */

typedef struct {
    FILE *file;
    const char *name;
    wav_format format;
    uint64_t length;  /* samples per channel, or WAV_UNKNOWN */
    uint64_t done;    /* samples per channel read so far */
    uint64_t clipped; /* samples beyond +-1 met so far */
    wav_chunks kept;  /* those that stand in front of the samples */
    int64_t size;     /* bytes of the file; -1: a pipe */
    int64_t behind;   /* where other chunks follow the samples; 0: nowhere */
    int cut;          /* the header declares more than there is */
    int ended;
    char problem[128]; /* why it ended, if that was too early; "" */
    pid_t decoder;     /* that gives us the file as WAV; 0: none */
} wav_in;

/* Opens `name` ("-": standard input) and reads its header. A file of another kind goes through
 * `decoder`, a command of sh that writes the file "$1" as WAV to its standard output; NULL: none.
 * 0: refused. */
int wav_open(wav_in *in, const char *name, const char *decoder);

/* Reads up to `count` samples per channel into `pcm`, fewer only at the end. */
size_t wav_read(wav_in *in, int16_t *pcm, size_t count);

/* The chunks that stand behind the samples of a file, to be freed by the caller. */
wav_chunks wav_read_behind(wav_in *in);

void wav_close(wav_in *in);

#endif
