#define _POSIX_C_SOURCE 200809L
#include "wav.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { PCM = 1, FLOAT = 3, EXTENSIBLE = 0xFFFE };
#define CHUNK 1024                   /* samples converted at a time */
#define STREAM_BYTES 0x7FFFF000u     /* some writers to a pipe declare this much, or more */
#define MAX_BYTES (UINT32_MAX - 256) /* what a RIFF header can say, less the header */

static const char needed[] = "16-bit PCM, 24-bit PCM or 32-bit float WAV is needed, as ffmpeg or sox makes it";

static uint32_t get_le(const unsigned char *p, unsigned bytes)
{
    uint32_t value = 0;
    while (bytes-- > 0)
        value = value << 8 | p[bytes];
    return value;
}

static void put_le(unsigned char *p, uint32_t value, unsigned bytes)
{
    for (; bytes-- > 0; value >>= 8)
        *p++ = (unsigned char)value;
}

static void need(wav *in, void *to, size_t bytes)
{
    if (fread(to, 1, bytes, in->file) != bytes)
        die(in->name, "the file ends inside its header; %s", needed);
}

static void skip(wav *in, uint64_t bytes)
{
    unsigned char waste[256];
    while (bytes > 0) {
        size_t part = bytes < sizeof waste ? (size_t)bytes : sizeof waste;
        need(in, waste, part);
        bytes -= part;
    }
}

/* Checks the "fmt " chunk: encoding, width and channels. */
static void parse_format(wav *in)
{
    static const unsigned char guid_tail[14] = {0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71};
    const unsigned char *fmt = in->fmt;
    unsigned tag = get_le(fmt, 2), bits = get_le(fmt + 14, 2), align = get_le(fmt + 12, 2);
    if (tag == EXTENSIBLE && in->fmt_bytes == 40 && !memcmp(fmt + 26, guid_tail, sizeof guid_tail))
        tag = get_le(fmt + 24, 2);
    in->channels = get_le(fmt + 2, 2);
    in->rate = get_le(fmt + 4, 4);
    in->bytes = bits / 8;
    if (tag != PCM && tag != FLOAT)
        die(in->name, "WAV encoding %u found; %s", tag, needed);
    if (!(tag == PCM && (bits == 16 || bits == 24)) && !(tag == FLOAT && bits == 32))
        die(in->name, "%u-bit %s found; %s", bits, tag == PCM ? "PCM" : "float", needed);
    if (in->channels < 1 || in->channels > WAV_MAX_CHANNELS)
        die(in->name, "%u channels found; 1 to %d are needed", in->channels, WAV_MAX_CHANNELS);
    if (align != in->channels * in->bytes)
        die(in->name, "blocks of %u bytes found for %u channels of %u bits; the header is damaged",
            align, in->channels, bits);
    in->fmt_bytes = get_le(fmt, 2) == EXTENSIBLE ? 40 : 16; /* what the output repeats */
}

/* Samples per channel of a data chunk of `bytes`; a writer to a pipe cannot know them. */
static uint64_t data_length(const wav *in, uint32_t bytes)
{
    int pipe = in->file == stdin;
    if (bytes == 0 || bytes == UINT32_MAX || (pipe && bytes >= STREAM_BYTES))
        return WAV_UNKNOWN;
    if (bytes % (in->channels * in->bytes))
        die(in->name, "%lu bytes of samples found; a multiple of %u is needed", (unsigned long)bytes,
            in->channels * in->bytes);
    return bytes / (in->channels * in->bytes);
}

void wav_open(wav *in, const char *name)
{
    unsigned char head[12];
    struct stat info;
    size_t got;
    memset(in, 0, sizeof *in);
    in->name = strcmp(name, "-") ? name : "standard input";
    in->file = strcmp(name, "-") ? fopen(name, "rb") : stdin;
    if (!in->file)
        die(name, "cannot be read: %s", strerror(errno));
    if (!fstat(fileno(in->file), &info) && S_ISDIR(info.st_mode))
        die(name, "a folder found; %s", needed);
    got = fread(head, 1, sizeof head, in->file);
    if (got == 0)
        die(in->name, "0 bytes found; %s", needed);
    if (got < 4 || memcmp(head, "RIFF", 4) || (got == sizeof head && memcmp(head + 8, "WAVE", 4)))
        die(in->name, "not a RIFF WAVE file; %s", needed);
    if (got < sizeof head)
        die(in->name, "the file ends inside its header; %s", needed);
    for (;;) {
        unsigned char chunk[8];
        uint32_t bytes;
        if (fread(chunk, 1, sizeof chunk, in->file) != sizeof chunk)
            die(in->name, "no \"%s\" chunk found; %s", in->fmt_bytes ? "data" : "fmt ", needed);
        bytes = get_le(chunk + 4, 4);
        if (!memcmp(chunk, "data", 4)) {
            if (!in->fmt_bytes)
                die(in->name, "no \"fmt \" chunk found before the samples; %s", needed);
            in->length = data_length(in, bytes);
            return;
        }
        if (memcmp(chunk, "fmt ", 4)) {
            skip(in, (uint64_t)bytes + (bytes & 1));
            continue;
        }
        if (bytes < 16)
            die(in->name, "a \"fmt \" chunk of %lu bytes found; 16 or more are needed", (unsigned long)bytes);
        in->fmt_bytes = bytes < sizeof in->fmt ? bytes : (uint32_t)sizeof in->fmt;
        need(in, in->fmt, in->fmt_bytes);
        skip(in, (uint64_t)bytes + (bytes & 1) - in->fmt_bytes);
        parse_format(in);
    }
}

static int16_t saturate(int32_t value)
{
    return (int16_t)(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value);
}

/* Full scale +-1 becomes +-32768, rounded to nearest, saturated. */
static int16_t from_float(wav *in, const unsigned char *p, uint64_t position)
{
    uint32_t bits = get_le(p, 4);
    float value;
    memcpy(&value, &bits, sizeof value);
    if ((bits & 0x7F800000u) == 0x7F800000u)
        die(in->name, "%s found in channel %u at sample %llu; finite samples are needed",
            bits & 0x007FFFFFu ? "NaN" : "infinity", (unsigned)(position % in->channels) + 1,
            (unsigned long long)(position / in->channels));
    if (value > 1.0f || value < -1.0f) {
        in->clipped++;
        return value > 0 ? INT16_MAX : INT16_MIN;
    }
    value *= 32768.0f;
    return saturate((int32_t)(value < 0 ? value - 0.5f : value + 0.5f));
}

static int16_t decode(wav *in, const unsigned char *p, uint64_t position)
{
    if (in->bytes == 2)
        return (int16_t)get_le(p, 2);
    if (in->bytes == 4)
        return from_float(in, p, position);
    /* 24 bit: the top 16, rounded */
    return saturate(((int32_t)((get_le(p, 3) ^ 0x800000u) + 128u) >> 8) - 32768);
}

static void encode(const wav *out, unsigned char *p, int16_t sample)
{
    float value = (float)sample / 32768.0f;
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (out->bytes == 2)
        put_le(p, (uint32_t)sample, 2);
    else if (out->bytes == 3)
        put_le(p, (uint32_t)sample << 8, 3);
    else
        put_le(p, bits, 4);
}

size_t wav_read(wav *in, int16_t *pcm, size_t count)
{
    unsigned char raw[CHUNK * 4];
    uint64_t left = in->length == WAV_UNKNOWN ? count : in->length - in->done;
    size_t total = (left < count ? (size_t)left : count) * in->channels, at = 0;
    while (at < total) {
        size_t part = total - at < CHUNK ? total - at : CHUNK, i;
        size_t got = fread(raw, 1, part * in->bytes, in->file);
        if (ferror(in->file))
            die(in->name, "cannot be read: %s", strerror(errno));
        for (i = 0; i < got / in->bytes; i++)
            pcm[at + i] = decode(in, raw + i * in->bytes, in->done * in->channels + at + i);
        at += got / in->bytes;
        if (got == part * in->bytes)
            continue;
        if (in->length != WAV_UNKNOWN)
            die(in->name, "truncated: the header declares %llu samples per channel, %llu found",
                (unsigned long long)in->length, (unsigned long long)(in->done + at / in->channels));
        if (got % in->bytes || at % in->channels)
            die(in->name, "truncated: it ends inside sample %llu",
                (unsigned long long)(in->done + at / in->channels));
        break;
    }
    in->done += at / in->channels;
    return at / in->channels;
}

/* RIFF header for `length` samples per channel; as in the input, WAV_UNKNOWN is all ones. */
static void write_header(wav *out, uint64_t length)
{
    unsigned char head[12 + 8 + 40 + 8];
    unsigned char *p = head;
    uint64_t bytes = length == WAV_UNKNOWN ? UINT32_MAX : length * out->channels * out->bytes;
    uint64_t riff = length == WAV_UNKNOWN ? UINT32_MAX : bytes + (bytes & 1) + 20 + out->fmt_bytes;
    if (length != WAV_UNKNOWN && bytes > MAX_BYTES)
        die(out->name, "%llu bytes of samples are more than a WAV file holds; split the input",
            (unsigned long long)bytes);
    memcpy(p, "RIFF....WAVEfmt ", 16);
    put_le(p + 4, (uint32_t)riff, 4);
    put_le(p + 16, out->fmt_bytes, 4);
    memcpy(p + 20, out->fmt, out->fmt_bytes);
    p += 20 + out->fmt_bytes;
    memcpy(p, "data", 4);
    put_le(p + 4, (uint32_t)bytes, 4);
    if (fwrite(head, 1, (size_t)(p + 8 - head), out->file) != (size_t)(p + 8 - head))
        die(out->name, "cannot be written: %s", strerror(errno));
}

void wav_create(wav *out, const char *name, const wav *in)
{
    *out = *in;
    output_open(&out->to, name, in->file);
    out->file = out->to.file;
    out->name = out->to.name;
    out->done = 0;
    write_header(out, in->length);
}

void wav_write(wav *out, const int16_t *pcm, size_t count)
{
    unsigned char raw[CHUNK * 4];
    size_t total = count * out->channels, at = 0;
    while (at < total) {
        size_t part = total - at < CHUNK ? total - at : CHUNK, i;
        for (i = 0; i < part; i++)
            encode(out, raw + i * out->bytes, pcm[at + i]);
        if (fwrite(raw, out->bytes, part, out->file) != part)
            die(out->name, "cannot be written: %s", strerror(errno));
        at += part;
    }
    out->done += count;
}

void wav_finish(wav *out)
{
    int odd = (out->done * out->channels * out->bytes) & 1;
    if (odd && (out->to.temporary || out->length != WAV_UNKNOWN))
        fputc(0, out->file); /* chunks are padded to even sizes */
    if (out->to.temporary && out->length == WAV_UNKNOWN) {
        rewind(out->file);
        write_header(out, out->done);
    }
    output_close(&out->to);
}
