/* WAV files and streams out, in the format of the input, with the other chunks that stood in it. Larger
 * than RIFF can say they are RF64 (EBU Tech 3306). */
#ifndef WAV_WRITE_H
#define WAV_WRITE_H

#include "output.h"
#include "wav_read.h"

typedef struct {
    output to;
    wav_format format;
    uint64_t done;  /* samples per channel handed over */
    size_t header;  /* bytes in front of the samples */
    int wide;       /* room for sizes of 64 bits */
} wav_out;

/* Writes the header for as many samples as `in` has to a file that is open. */
void wav_begin(wav_out *out, const wav_in *in);

/* Writes `count` samples per channel. 0: failed, now or before. */
int wav_write(wav_out *out, const int16_t *pcm, size_t count);

/* Completes the file: the chunks behind the samples of `in`, and sizes as they came to be, also where
 * writing failed. Nothing of this can be done to a pipe. */
void wav_finish(wav_out *out, wav_in *in);

#endif
