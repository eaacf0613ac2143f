#include "wav_format.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "message.h"

enum { PCM = 1, FLOAT = 3, EXTENSIBLE = 0xFFFE };

/* What follows the encoding in a GUID: of WAVE_FORMAT_EXTENSIBLE, and of its form for Ambisonics. */
static const unsigned char guid_tails[2][14] = {
    {0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71},
    {0, 0, 0x21, 0x07, 0xD3, 0x11, 0x86, 0x44, 0xC8, 0xC1, 0xCA, 0, 0, 0},
};

static const struct {
    unsigned tag;
    const char *name;
} encodings[] = {
    {0x02, "Microsoft ADPCM"},
    {0x06, "A-law"},
    {0x07, "u-law"},
    {0x11, "IMA ADPCM"},
    {0x14, "G.723"},
    {0x31, "GSM 6.10"},
    {0x40, "G.721"},
    {0x45, "G.726"},
    {0x50, "MPEG audio"},
    {0x55, "MP3"},
    {0x92, "AC-3"},
    {0xFF, "AAC"},
    {0x161, "WMA"},
    {0x162, "WMA"},
    {0x2000, "AC-3"},
    {0xF1AC, "FLAC"},
};

static const struct {
    unsigned at;
    const char *bytes, *name;
} files[] = {
    {0, "RIFX", "big-endian WAV (RIFX)"},
    {0, "ID3", "an ID3 tag in front, of MP3 or WAV,"},
    {0, "fLaC", "FLAC"},
    {0, "OggS", "Ogg"},
    {0, "riff", "Wave64 (W64)"},
    {0, "caff", "CAF"},
    {8, "AIFF", "AIFF"},
    {8, "AIFC", "AIFF-C"},
    {0, ".snd", "AU"},
    {0, "dns.", "AU"},
    {8, "8SVX", "IFF (SVX)"},
    {8, "16SV", "IFF (SVX)"},
    {0, "2BIT", "AVR"},
    {0, " paf", "Ensoniq PARIS (PAF)"},
    {0, "fap ", "Ensoniq PARIS (PAF)"},
    {0, "PVF1", "PVF"},
    {0, "\x64\xA3", "IRCAM"},
    {0, "\xF0\x7E", "MIDI sample dump (SDS)"},
    {0, "Creative Voi", "Creative Voice (VOC)"},
    {0, "ALawSoundFil", "Psion WVE"},
    {0, "Extended Ins", "FastTracker XI"},
    {0, "MATLAB 5.0 M", "MATLAB"},
    {0, "NIST", "NIST SPHERE"},
    {0, "#!AMR", "AMR"},
    {0, "wvpk", "WavPack"},
    {0, "MAC ", "Monkey's Audio"},
    {4, "ftyp", "MP4 or M4A"},
    {0, "\x1A\x45\xDF\xA3", "Matroska or WebM"},
    {0, "\x30\x26\xB2\x75", "WMA"},
    {8, "AVI ", "AVI"},
    {0, "\xFF\xFB", "MP3"},
    {0, "\xFF\xFA", "MP3"},
    {0, "\xFF\xF3", "MP3"},
    {0, "\xFF\xF2", "MP3"},
    {0, "\xFF\xF1", "AAC"},
    {0, "\xFF\xF9", "AAC"},
};

uint64_t get_le(const unsigned char *p, unsigned bytes)
{
    uint64_t value = 0;
    while (bytes-- > 0)
        value = value << 8 | p[bytes];
    return value;
}

void put_le(unsigned char *p, uint64_t value, unsigned bytes)
{
    for (; bytes-- > 0; value >>= 8)
        *p++ = (unsigned char)value;
}

const char *format_of_other_file(const unsigned char *head, unsigned bytes)
{
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
        unsigned length = (unsigned)strlen(files[i].bytes);
        if (files[i].at + length <= bytes && !memcmp(head + files[i].at, files[i].bytes, length))
            return files[i].name;
    }
    return NULL;
}

/* 0 */
static int is_other(wav_format *format, unsigned tag, unsigned bits)
{
    size_t i = 0, n = sizeof encodings / sizeof *encodings, room = sizeof format->other;
    while (i < n && encodings[i].tag != tag)
        i++;
    if (i < n)
        snprintf(format->other, room, "%s in WAV", encodings[i].name);
    else if (tag == PCM || tag == FLOAT)
        snprintf(format->other, room, "%u-bit %s in WAV", bits, tag == PCM ? "PCM" : "float");
    else
        snprintf(format->other, room, "encoding 0x%04X in WAV", tag);
    return 0;
}

static unsigned encoding(const wav_format *format)
{
    unsigned tag = (unsigned)get_le(format->chunk, 2);
    if (tag != EXTENSIBLE || format->chunk_bytes < sizeof format->chunk)
        return tag;
    for (int i = 0; i < 2; i++)
        if (!memcmp(format->chunk + 26, guid_tails[i], sizeof guid_tails[i]))
            return (unsigned)get_le(format->chunk + 24, 2);
    return tag;
}

int format_parse(wav_format *format, const char *name)
{
    const unsigned char *fmt = format->chunk;
    unsigned tag = encoding(format), align = (unsigned)get_le(fmt + 12, 2);
    unsigned bits = (unsigned)get_le(fmt + 14, 2), bytes = (bits + 7) / 8;
    format->channels = (unsigned)get_le(fmt + 2, 2);
    format->rate = (uint32_t)get_le(fmt + 4, 4);
    format->is_float = tag == FLOAT;
    if (tag != PCM && tag != FLOAT)
        return is_other(format, tag, bits);
    if (format->channels < 1 || format->channels > WAV_MAX_CHANNELS)
        return refuse(name, "%u channels found; 1 to %d are needed", format->channels, WAV_MAX_CHANNELS);
    if (tag == PCM && bytes == 3 && align == 4 * format->channels)
        bytes = 4; /* 24 bits at the top of 32 */
    if (tag == PCM ? bytes < 1 || bytes > 4 : bits != 32 && bits != 64)
        return is_other(format, tag, bits);
    if (align != format->channels * bytes)
        return refuse(name, "blocks of %u bytes found for %u channels of %u bits; the header is damaged",
                      align, format->channels, bits);
    format->bytes = bytes;
    if (get_le(fmt, 2) != EXTENSIBLE)
        format->chunk_bytes = 16; /* the rest says nothing of these encodings */
    return 1;
}

/* Full scale +-1 becomes +-32768, rounded to nearest, halves up. */
static int16_t from_float(double value, uint64_t *clipped, const char **problem)
{
    double scaled = floor(value * 32768 + 0.5);
    if (!isfinite(value)) {
        *problem = isnan(value) ? "NaN" : "infinity";
        return 0;
    }
    *clipped += value > 1 || value < -1;
    return (int16_t)(scaled > INT16_MAX ? INT16_MAX : scaled < INT16_MIN ? INT16_MIN : scaled);
}

int16_t format_decode(const wav_format *format, const unsigned char *p, uint64_t *clipped,
                      const char **problem)
{
    uint64_t bits = get_le(p, format->bytes);
    int64_t top;
    if (format->is_float && format->bytes == 4) {
        uint32_t half = (uint32_t)bits;
        float value;
        memcpy(&value, &half, sizeof value);
        return from_float((double)value, clipped, problem);
    }
    if (format->is_float) {
        double value;
        memcpy(&value, &bits, sizeof value);
        return from_float(value, clipped, problem);
    }
    bits <<= 32 - 8 * format->bytes;
    if (format->bytes > 1) /* 8 bits already have their zero at 128 */
        bits ^= 0x80000000u;
    top = ((int64_t)bits + 0x8000) >> 16;
    return (int16_t)((top > 0xFFFF ? 0xFFFF : top) - 0x8000);
}

void format_encode(const wav_format *format, unsigned char *p, int16_t sample)
{
    double value = sample / 32768.0;
    float single = (float)value;
    uint64_t bits = (uint64_t)((int64_t)sample + 0x8000); /* zero at 0x8000 */
    if (format->is_float && format->bytes == 4) {
        uint32_t half;
        memcpy(&half, &single, sizeof half);
        bits = half;
    } else if (format->is_float) {
        memcpy(&bits, &value, sizeof bits);
    } else if (format->bytes == 1) {
        bits = bits + 0x80 > 0xFFFF ? 0xFF : (bits + 0x80) >> 8;
    } else {
        bits = (bits ^ 0x8000) << (8 * format->bytes - 16);
    }
    put_le(p, bits, format->bytes);
}
