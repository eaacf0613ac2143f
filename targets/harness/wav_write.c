#include "wav_write.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK 1024                /* samples converted at a time */
#define NARROW_BYTES 0xF0000000u  /* of samples: what else a file holds fits beside them into 32 bits */
#define DS64_BYTES 28
#define MAX_FRONT (12 + 8 + DS64_BYTES + 8 + 40)

static unsigned char *put_chunk(unsigned char *p, const char *id, uint32_t bytes)
{
    memcpy(p, id, 4);
    put_le(p + 4, bytes, 4);
    return p + 8;
}

/* Everything up to the "fmt " chunk, `riff` bytes in all following the first 8, `data` of them samples. */
static size_t front(const wav_out *out, uint64_t riff, uint64_t data, unsigned char *p)
{
    unsigned char *start = p;
    int is_wide = out->wide && riff > UINT32_MAX;
    p = put_chunk(p, is_wide ? "RF64" : "RIFF", is_wide ? UINT32_MAX : (uint32_t)riff);
    memcpy(p, "WAVE", 4);
    p += 4;
    if (out->wide) {
        p = put_chunk(p, is_wide ? "ds64" : "JUNK", DS64_BYTES);
        memset(p, 0, DS64_BYTES);
        if (is_wide) {
            put_le(p, riff, 8);
            put_le(p + 8, data, 8);
            put_le(p + 16, data / (out->format.channels * out->format.bytes), 8);
        }
        p += DS64_BYTES;
    }
    p = put_chunk(p, "fmt ", out->format.chunk_bytes);
    memcpy(p, out->format.chunk, out->format.chunk_bytes);
    return (size_t)(p + out->format.chunk_bytes - start);
}

static void data_head(const wav_out *out, uint64_t riff, uint64_t data, unsigned char *p)
{
    put_chunk(p, "data", out->wide && riff > UINT32_MAX ? UINT32_MAX : (uint32_t)data);
}

void wav_begin(wav_out *out, const wav_in *in)
{
    unsigned char head[MAX_FRONT], data[8];
    uint64_t bytes, riff;
    size_t front_bytes;
    int known = in->length != WAV_UNKNOWN;
    out->format = in->format;
    bytes = known ? in->length * out->format.channels * out->format.bytes : UINT32_MAX;
    out->wide = known ? bytes > NARROW_BYTES : out->to.completes;
    front_bytes = front(out, 0, 0, head);
    out->header = front_bytes + in->kept.bytes + sizeof data;
    riff = known ? out->header - 8 + bytes + (bytes & 1) : UINT32_MAX; /* all ones: as long as it gets */
    front(out, riff, bytes, head);
    data_head(out, riff, bytes, data);
    output_write(&out->to, head, front_bytes);
    output_write(&out->to, in->kept.data, in->kept.bytes);
    output_write(&out->to, data, sizeof data);
}

int wav_write(wav_out *out, const int16_t *pcm, size_t count)
{
    unsigned char raw[CHUNK * WAV_MAX_BYTES];
    size_t total = count * out->format.channels, bytes = out->format.bytes, at = 0;
    while (at < total) {
        size_t part = total - at < CHUNK ? total - at : CHUNK;
        for (size_t i = 0; i < part; i++)
            format_encode(&out->format, raw + i * bytes, pcm[at + i]);
        output_write(&out->to, raw, part * bytes);
        at += part;
    }
    out->done += count;
    return !out->to.failed;
}

/* The sizes of what is there now. */
static void write_sizes(wav_out *out, uint64_t data)
{
    unsigned char head[MAX_FRONT], data_sizes[8];
    uint64_t riff = out->to.written - 8;
    size_t bytes = front(out, riff, data, head);
    data_head(out, riff, data, data_sizes);
    output_rewrite(&out->to, 0, head, bytes);
    output_rewrite(&out->to, out->header - sizeof data_sizes, data_sizes, sizeof data_sizes);
}

void wav_finish(wav_out *out, wav_in *in)
{
    uint64_t block = out->format.channels * out->format.bytes, data, end;
    wav_chunks behind;
    if (out->to.written < out->header)
        return;
    data = (out->to.written - out->header) / block * block;
    if (!out->to.completes) {
        if (in->length != WAV_UNKNOWN && (data & 1))
            output_write(&out->to, "", 1);
        return;
    }
    if (out->to.failed && (data & 1))
        data -= block; /* no room for padding */
    end = out->header + data + (data & 1);
    output_cut(&out->to, out->header + data);
    output_write(&out->to, "", data & 1); /* chunks are padded to even sizes */
    behind = wav_read_behind(in);
    output_write(&out->to, behind.data, behind.bytes);
    free(behind.data);
    if (out->to.failed)
        output_cut(&out->to, end);
    write_sizes(out, data);
}
