#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64
#include "wav_chunks.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "message.h"
#include "wav_format.h"

#define MAX_KEPT (1u << 24) /* bytes of all chunks */

/* Not what counts or sums up the samples that were, nor what an output has anyhow. */
static int worth_keeping(const unsigned char *head)
{
    static const char stale[][5] = {"fact", "PEAK", "levl", "MD5 ", "JUNK", "junk",
                                    "PAD ", "FLLR", "ds64", "fmt ", "data"};
    for (size_t i = 0; i < sizeof stale / sizeof *stale; i++)
        if (!memcmp(head, stale[i], 4))
            return 0;
    return 1;
}

int chunks_keep(wav_chunks *kept, const unsigned char *head, FILE *file, const char *name)
{
    size_t bytes = (size_t)get_le(head + 4, 4), padded = bytes + (bytes & 1);
    unsigned char *data = realloc(kept->data, kept->bytes + 8 + padded);
    if (!data)
        die(name, "out of memory for a chunk of %lu bytes", (unsigned long)bytes);
    kept->data = data;
    data += kept->bytes;
    memcpy(data, head, 8);
    if (fread(data + 8, 1, padded, file) < bytes)
        return 0;
    if (bytes & 1)
        data[8 + bytes] = 0;
    kept->bytes += 8 + padded;
    return 1;
}

int chunks_wanted(const wav_chunks *kept, const unsigned char *head, const char *name)
{
    uint64_t bytes = get_le(head + 4, 4);
    if (!worth_keeping(head))
        return 0;
    if (kept->bytes + bytes + 9 <= MAX_KEPT)
        return 1;
    say(name, "warning: a \"%.4s\" chunk of %llu bytes is left out", (const char *)head,
        (unsigned long long)bytes);
    return 0;
}

/* Reads the head of the chunk at `at`: where the next one begins; 0: there is none. */
static int64_t read_head(FILE *file, int64_t at, unsigned char *head)
{
    if (fseeko(file, (off_t)at, SEEK_SET) || fread(head, 1, 8, file) != 8)
        return 0;
    for (int i = 0; i < 4; i++)
        if (head[i] < ' ' || head[i] > '~')
            return 0;
    return at + 8 + (int64_t)get_le(head + 4, 4) + (head[4] & 1);
}

int chunks_until_end(FILE *file, int64_t at, int64_t size)
{
    unsigned char head[8];
    int64_t here = ftello(file);
    while (at > 0 && at < size)
        at = read_head(file, at, head);
    fseeko(file, here, SEEK_SET);
    return at == size || at == size + 1; /* some leave the last padding out */
}

void chunks_read(wav_chunks *kept, FILE *file, int64_t at, int64_t size, const char *name)
{
    unsigned char head[8];
    while ((at = read_head(file, at, head)) > 0 && at <= size + 1)
        if (chunks_wanted(kept, head, name) && !chunks_keep(kept, head, file, name))
            return;
}
