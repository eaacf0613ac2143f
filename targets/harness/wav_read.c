#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64
#include "wav_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "decoder.h"
#include "message.h"
#include "stop.h"

#define CHUNK 1024               /* samples converted at a time */
#define STREAM_BYTES 0x7FFFF000u /* writers who do not know the size declare this much, or more */
#define ENDS_INSIDE "the file ends inside its header; " WAV_NEEDED

static int need(wav_in *in, void *to, size_t bytes)
{
    return fread(to, 1, bytes, in->file) == bytes || refuse(in->name, ENDS_INSIDE);
}

static int skip(wav_in *in, uint64_t bytes)
{
    unsigned char waste[4096];
    while (bytes > 0) {
        size_t part = bytes < sizeof waste ? (size_t)bytes : sizeof waste;
        if (!need(in, waste, part))
            return 0;
        bytes -= part;
    }
    return 1;
}

/* Bytes of samples in a file, of which the header declares `declared`, perhaps for want of better. */
static uint64_t bytes_of_file(wav_in *in, uint64_t declared, int placeholder)
{
    int64_t here = ftello(in->file);
    uint64_t found = in->size > here ? (uint64_t)(in->size - here) : 0;
    if (declared <= found) {
        int64_t behind = here + (int64_t)(declared + (declared & 1));
        if (!placeholder || chunks_until_end(in->file, behind, in->size)) {
            in->behind = behind;
            return declared;
        }
    }
    in->cut = !placeholder;
    if (placeholder && found)
        say(in->name, "warning: the header does not say how many samples follow; all until the end are"
                      " taken, and other chunks behind them cannot be told apart");
    if (in->cut)
        say(in->name, "warning: the header declares %llu bytes of samples, %llu found; they are taken",
            (unsigned long long)declared, (unsigned long long)found);
    return found;
}

typedef struct {
    uint64_t file, samples; /* bytes as declared */
    int placeholder;        /* what writers declare who do not know, or do not yet */
    uint64_t header;        /* bytes read until the samples begin */
} sizes;

static void take_length(wav_in *in, const sizes *s)
{
    uint64_t block = in->format.channels * in->format.bytes, bytes = s->samples, rest;
    /* A pipe's header that counts something behind the samples was finished: its 0 means none. */
    int none = bytes == 0 && s->file > s->header && s->file < STREAM_BYTES;
    in->length = WAV_UNKNOWN;
    if (in->size >= 0)
        bytes = bytes_of_file(in, bytes, s->placeholder);
    else if (s->placeholder && !none)
        return;
    in->length = bytes / block;
    rest = bytes % block;
    if (in->size >= 0 && !in->behind)
        return; /* there was a warning already */
    if (rest > 1 || (rest && (bytes & 1))) /* one at an even end is padding, counted */
        say(in->name, "warning: it ends inside sample %llu; the whole ones before it are taken",
            (unsigned long long)in->length);
}

static int read_format(wav_in *in, uint32_t bytes)
{
    uint32_t taken = bytes < sizeof in->format.chunk ? bytes : (uint32_t)sizeof in->format.chunk;
    if (bytes < 16)
        return refuse(in->name, "a \"fmt \" chunk of %lu bytes found; 16 or more are needed",
                      (unsigned long)bytes);
    in->format.chunk_bytes = taken;
    return need(in, in->format.chunk, taken) && skip(in, (uint64_t)bytes + (bytes & 1) - taken)
           && format_parse(&in->format, in->name);
}

/* The size of the samples in 64 bits; no other chunk is so long. */
static int read_ds64(wav_in *in, uint32_t bytes, uint64_t *samples)
{
    unsigned char two[16];
    if (bytes < sizeof two)
        return refuse(in->name, "a \"ds64\" chunk of %lu bytes found; 28 are needed", (unsigned long)bytes);
    if (!need(in, two, sizeof two))
        return 0;
    *samples = get_le(two + 8, 8);
    return skip(in, (uint64_t)bytes + (bytes & 1) - sizeof two);
}

/* Any chunk but the samples. */
static int read_chunk(wav_in *in, const unsigned char *head, uint64_t *wide_samples)
{
    uint32_t bytes = (uint32_t)get_le(head + 4, 4);
    if (!memcmp(head, "fmt ", 4))
        return read_format(in, bytes);
    if (!memcmp(head, "ds64", 4))
        return read_ds64(in, bytes, wide_samples);
    if (!chunks_wanted(&in->kept, head, in->name))
        return skip(in, (uint64_t)bytes + (bytes & 1));
    return chunks_keep(&in->kept, head, in->file, in->name) || refuse(in->name, ENDS_INSIDE);
}

static int is_wide(const unsigned char *head)
{
    return !memcmp(head, "RF64", 4) || !memcmp(head, "BW64", 4);
}

/* Its exit status when it gives no more. */
static int decoder_status(wav_in *in)
{
    int status = decoder_end(in->decoder);
    in->decoder = 0;
    return status;
}

/* One that exits with 2 has said why. */
static int refuse_decoder(wav_in *in)
{
    int status = decoder_status(in);
    return status == 2 ? 0 : refuse(in->name, "the decoder gave no sound and exited with %d", status);
}

static int is_other_file(wav_in *in, const unsigned char *head, size_t got)
{
    const char *other = format_of_other_file(head, (unsigned)got);
    if (!other
        && (got < 4 || (memcmp(head, "RIFF", 4) && !is_wide(head))
            || (got == 12 && memcmp(head + 8, "WAVE", 4))))
        other = "something else than WAV";
    if (other)
        snprintf(in->format.other, sizeof in->format.other, "%s", other);
    return other != NULL;
}

/* 0: refused, or of another kind, which format.other names. */
static int read_header(wav_in *in)
{
    unsigned char head[12], chunk[8];
    size_t got = fread(head, 1, sizeof head, in->file);
    uint64_t wide_samples = 0;
    sizes s = {0, 0, 0, sizeof head};
    if (got == 0 && ferror(in->file))
        return refuse(in->name, "cannot be read: %s", strerror(errno));
    if (got == 0)
        return in->decoder ? refuse_decoder(in) : refuse(in->name, "0 bytes found; " WAV_NEEDED);
    if (is_other_file(in, head, got))
        return 0;
    if (got < sizeof head)
        return refuse(in->name, ENDS_INSIDE);
    s.file = get_le(head + 4, 4) + 8;
    for (;;) {
        uint32_t bytes;
        if (fread(chunk, 1, sizeof chunk, in->file) != sizeof chunk)
            return refuse(in->name, "no \"%s\" chunk found; " WAV_NEEDED, in->format.bytes ? "data" : "fmt ");
        bytes = (uint32_t)get_le(chunk + 4, 4);
        s.header += sizeof chunk;
        if (!memcmp(chunk, "data", 4))
            break;
        if (!read_chunk(in, chunk, &wide_samples))
            return 0;
        s.header += (uint64_t)bytes + (bytes & 1);
    }
    if (!in->format.bytes)
        return refuse(in->name, "no \"fmt \" chunk found before the samples; " WAV_NEEDED);
    s.samples = get_le(chunk + 4, 4);
    s.placeholder = s.samples == 0 || s.samples >= STREAM_BYTES;
    if (is_wide(head) && s.samples == UINT32_MAX) {
        s.samples = wide_samples;
        s.placeholder = wide_samples == 0 || wide_samples == UINT64_MAX;
    }
    take_length(in, &s);
    return 1;
}

static int open_file(wav_in *in, const char *name)
{
    struct stat info;
    int is_stdin = !strcmp(name, "-");
    memset(in, 0, sizeof *in);
    in->name = is_stdin ? "standard input" : name;
    in->file = is_stdin ? stdin : fopen(name, "rb");
    if (!in->file || fstat(fileno(in->file), &info))
        return refuse(in->name, "cannot be read: %s", strerror(errno));
    if (S_ISDIR(info.st_mode))
        return refuse(in->name, "a folder found; " WAV_NEEDED);
    in->size = S_ISREG(info.st_mode) ? (int64_t)info.st_size : -1;
    stop_ends(fileno(in->file));
    return 1;
}

static int open_decoder(wav_in *in, const char *command)
{
    fclose(in->file);
    free(in->kept.data);
    memset(&in->kept, 0, sizeof in->kept);
    memset(&in->format, 0, sizeof in->format);
    in->size = -1;
    in->file = decoder_start(command, in->name, &in->decoder);
    if (!in->file)
        return refuse(in->name, "the decoder cannot be started: %s", strerror(errno));
    stop_ends(fileno(in->file));
    return 1;
}

int wav_open(wav_in *in, const char *name, const char *decoder)
{
    if (!open_file(in, name))
        return 0;
    if (read_header(in))
        return 1;
    if (in->format.other[0] && decoder && in->file != stdin) {
        if (!open_decoder(in, decoder))
            return 0;
        if (read_header(in))
            return 1;
    }
    if (in->format.other[0])
        refuse(in->name, "%s found; " WAV_NEEDED ": ffmpeg -i IN OUT.wav makes it", in->format.other);
    return 0;
}

/* The input ends before its time. */
static void end_early(wav_in *in, uint64_t position, size_t rest)
{
    if (stop_signal())
        return;
    if (in->decoder && decoder_status(in))
        snprintf(in->problem, sizeof in->problem, "the decoder failed");
    else if (ferror(in->file))
        snprintf(in->problem, sizeof in->problem, "cannot be read: %s", strerror(errno));
    else if (in->length != WAV_UNKNOWN)
        say(in->name, "warning: the header declares %llu samples per channel, %llu found; they are taken",
            (unsigned long long)in->length, (unsigned long long)(position / in->format.channels));
    else if (rest || position % in->format.channels)
        say(in->name, "warning: it ends inside sample %llu; the whole ones before it are taken",
            (unsigned long long)(position / in->format.channels));
    in->cut = in->length != WAV_UNKNOWN || rest || position % in->format.channels;
}

/* Samples of all channels together that could be read of `count`; the first is number `position`. */
static size_t read_samples(wav_in *in, int16_t *pcm, size_t count, uint64_t position)
{
    unsigned char raw[CHUNK * WAV_MAX_BYTES];
    unsigned bytes = in->format.bytes, channels = in->format.channels;
    size_t got = fread(raw, 1, count * bytes, in->file), whole = got / bytes;
    for (size_t i = 0; i < whole; i++) {
        const char *problem = NULL;
        pcm[i] = format_decode(&in->format, raw + i * bytes, &in->clipped, &problem);
        if (!problem)
            continue;
        snprintf(in->problem, sizeof in->problem,
                 "%s found in channel %u at sample %llu; finite samples are needed", problem,
                 (unsigned)((position + i) % channels) + 1, (unsigned long long)((position + i) / channels));
        return i;
    }
    if (got < count * bytes)
        end_early(in, position + whole, got % bytes);
    return whole;
}

size_t wav_read(wav_in *in, int16_t *pcm, size_t count)
{
    unsigned channels = in->format.channels;
    uint64_t left = in->length == WAV_UNKNOWN ? count : in->length - in->done;
    size_t total = (left < count ? (size_t)left : count) * channels, at = 0;
    while (at < total && !in->ended) {
        size_t part = total - at < CHUNK ? total - at : CHUNK;
        size_t got = read_samples(in, pcm + at, part, in->done * channels + at);
        in->ended = got < part;
        at += got;
    }
    in->done += at / channels;
    return at / channels;
}

wav_chunks wav_read_behind(wav_in *in)
{
    wav_chunks found = {NULL, 0};
    if (in->behind && !in->ended)
        chunks_read(&found, in->file, in->behind, in->size, in->name);
    return found;
}

void wav_close(wav_in *in)
{
    stop_ends(-1);
    free(in->kept.data);
    if (in->file && in->file != stdin)
        fclose(in->file);
    if (in->decoder)
        decoder_end(in->decoder);
}
