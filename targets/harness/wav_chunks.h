/* Chunks of a WAV file beside its samples: time code, cues, names. */
#ifndef WAV_CHUNKS_H
#define WAV_CHUNKS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* As they stand in the file, with their heads and padding. */
typedef struct {
    unsigned char *data;
    size_t bytes;
} wav_chunks;

/* Whether the chunk with this head of 8 bytes holds for the output too and is not too large. */
int chunks_wanted(const wav_chunks *kept, const unsigned char *head, const char *name);

/* Reads the rest of a chunk and puts it, whole, to the others. 0: there is less of it. */
int chunks_keep(wav_chunks *kept, const unsigned char *head, FILE *file, const char *name);

/* Whether chunk follows chunk from `at` until the end of a file of `size` bytes. Samples do not look
 * like that. */
int chunks_until_end(FILE *file, int64_t at, int64_t size);

/* Keeps those that are wanted from `at` on. */
void chunks_read(wav_chunks *kept, FILE *file, int64_t at, int64_t size, const char *name);

#endif
