/* WAV files out of the corpus, spoiled: read to the end, written anew, and read again.
 *
 * Whatever the reader takes it must give back: the file that the writer makes of it is sound, holds as
 * many samples, and the same ones where they fit int16_t. Corpus: the files named behind the numbers. */
#define _GNU_SOURCE /* memfd_create */
#include "wav_write.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "draw.h"

enum { MOST_BYTES = 8192, MOST_FILES = 64, PART = 700, MOST_SAMPLES = 1 << 16 };

static struct {
    unsigned char data[MOST_BYTES];
    size_t bytes;
} corpus[MOST_FILES];
static int n_corpus;
static int spoiled, written; /* files in memory */
static char spoiled_name[32], written_name[32];

static uint32_t odd_size(void)
{
    static const uint32_t sizes[] = {0,  1,          2,          3,          15,         16,
                                     17, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF};
    return one_in(2) ? sizes[below(12)] : draw() >> below(32);
}

/* Another number of channels, which the other fields agree with. */
static void rechannel(unsigned char *x, size_t bytes)
{
    for (size_t at = 12; at + 24 < bytes; at++) {
        unsigned channels = one_in(3) ? draw() & 0xFFFF : 1 + (unsigned)below(70);
        unsigned width = (unsigned)get_le(x + at + 22, 2) / 8;
        if (memcmp(x + at, "fmt ", 4))
            continue;
        put_le(x + at + 10, channels, 2);
        put_le(x + at + 16, (uint64_t)get_le(x + at + 12, 4) * channels * width & UINT32_MAX, 4);
        put_le(x + at + 20, channels * width & 0xFFFF, 2);
        return;
    }
}

/* One change of many kinds. */
static size_t spoil(unsigned char *x, size_t bytes)
{
    static const char *const names[] = {"fmt ", "data", "LIST", "ds64", "bext",
                                        "RF64", "RIFF", "WAVE", "JUNK"};
    size_t at = bytes ? (size_t)below((int)bytes) : 0, other = bytes ? (size_t)below((int)bytes) : 0;
    uint32_t value = odd_size();
    switch (below(10)) {
    case 0: x[at] = (unsigned char)draw(); break;
    case 1: x[at] ^= (unsigned char)(1 << below(8)); break;
    case 2: return at;                                        /* cut */
    case 3: memcpy(x + (at & ~(size_t)1), &value, 4); break; /* a size, behind the end at most in the block */
    case 4: memcpy(x + (at & ~(size_t)1), names[below(9)], 4); break;
    case 5: /* taken out */
        memmove(x + at, x + bytes - (bytes - at) / 2, (bytes - at) / 2);
        return bytes - (bytes - at) / 2;
    case 6: /* put in twice */
        if (bytes + (bytes - at) <= MOST_BYTES) {
            memcpy(x + bytes, x + at, bytes - at);
            return bytes + (bytes - at);
        }
        break;
    case 7: memmove(x + at, x + other, bytes - (at > other ? at : other)); break;
    case 8: rechannel(x, bytes); break;
    default: /* grown by noise */
        for (int n = below(one_in(2) ? 40 : 6000); n > 0 && bytes < MOST_BYTES; n--)
            x[bytes++] = (unsigned char)draw();
    }
    return bytes;
}

static void put(int file, const unsigned char *data, size_t bytes)
{
    CHECK(ftruncate(file, 0) == 0 && lseek(file, 0, SEEK_SET) == 0);
    CHECK(write(file, data, bytes) == (ssize_t)bytes);
}

/* Samples a channel of a file, the first MOST_SAMPLES of all channels in `pcm`. */
static uint64_t read_all(wav_in *in, int16_t *pcm)
{
    int16_t *part = malloc(sizeof *part * PART * in->format.channels);
    uint64_t done = 0, channels = in->format.channels;
    size_t got;
    CHECK(part);
    do {
        got = wav_read(in, part, PART);
        if ((done + got) * channels <= MOST_SAMPLES)
            memcpy(pcm + done * channels, part, sizeof *part * got * channels);
        done += got;
    } while (got == PART);
    free(part);
    return done;
}

static uint64_t round_trip(void)
{
    static unsigned char x[MOST_BYTES + 8];
    static int16_t first[MOST_SAMPLES], second[MOST_SAMPLES];
    int base = below(n_corpus), changes = below(6);
    size_t bytes = corpus[base].bytes;
    wav_in in, again;
    wav_out out;
    memcpy(x, corpus[base].data, bytes);
    for (int n = 0; n < changes; n++)
        bytes = spoil(x, bytes);
    put(spoiled, x, bytes);
    if (!wav_open(&in, spoiled_name, NULL)) {
        wav_close(&in);
        return 1;
    }
    CHECK(in.format.channels >= 1 && in.format.channels <= WAV_MAX_CHANNELS);
    CHECK(in.length == WAV_UNKNOWN || in.length <= MOST_BYTES);
    memset(&out, 0, sizeof out);
    CHECK(output_open(&out.to, written_name));
    output_begin(&out.to);
    wav_begin(&out, &in);
    uint64_t count = read_all(&in, first);
    if (count * in.format.channels <= MOST_SAMPLES) {
        CHECK(wav_write(&out, first, (size_t)count));
        wav_finish(&out, &in);
        CHECK(output_close(&out.to));
        CHECK(wav_open(&again, written_name, NULL));
        CHECK(again.format.channels == in.format.channels && again.format.rate == in.format.rate);
        CHECK(!again.cut && !again.problem[0]);
        CHECK(read_all(&again, second) == count);
        CHECK(!again.clipped && memcmp(first, second, sizeof *first * count * in.format.channels) == 0);
        wav_close(&again);
    } else {
        output_abandon(&out.to);
    }
    wav_close(&in);
    return 1;
}

static void load(const char *name)
{
    FILE *file = fopen(name, "rb");
    CHECK(file && n_corpus < MOST_FILES);
    corpus[n_corpus].bytes = fread(corpus[n_corpus].data, 1, MOST_BYTES / 2, file);
    n_corpus++;
    fclose(file);
}

int main(int argc, char **argv)
{
    for (int k = 4; k < argc; k++)
        load(argv[k]);
    spoiled = memfd_create("spoiled", 0);
    written = memfd_create("written", 0);
    snprintf(spoiled_name, sizeof spoiled_name, "/proc/self/fd/%d", spoiled);
    snprintf(written_name, sizeof written_name, "/proc/self/fd/%d", written);
    CHECK(spoiled >= 0 && written >= 0 && n_corpus > 0);
    return fuzz_main(argc, argv, "WAV files", round_trip);
}
