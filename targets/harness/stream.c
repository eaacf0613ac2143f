#include "stream.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "percepnet.h"

static resampler *new_resampler(unsigned channels, uint32_t from, uint32_t to)
{
    resampler *r = resampler_new(from, to, channels);
    if (!r)
        die("memory", "a filter from %lu to %lu Hz does not fit", (unsigned long)from, (unsigned long)to);
    return r;
}

static int16_t *new_samples(unsigned channels, size_t count)
{
    int16_t *samples = malloc(count * channels * sizeof *samples);
    if (!samples)
        die("memory", "%lu samples of %u channels do not fit", (unsigned long)count, channels);
    return samples;
}

int source_open(source *s, const char *name, const char *decoder, int resample)
{
    unsigned long rate;
    unsigned channels;
    memset(s, 0, sizeof *s);
    if (!wav_open(&s->file, name, decoder))
        return 0;
    rate = s->file.format.rate;
    channels = s->file.format.channels;
    if (rate == PERCEPNET_RATE)
        return 1;
    if (rate < RESAMPLE_LOWEST || rate > RESAMPLE_HIGHEST)
        return refuse(s->file.name, "%lu Hz found; %d Hz is needed, or %d to %d Hz with --resample", rate,
                      PERCEPNET_RATE, RESAMPLE_LOWEST, RESAMPLE_HIGHEST);
    if (!resample)
        return refuse(s->file.name, "%lu Hz found; %d Hz is needed: --resample converts to it and back", rate,
                      PERCEPNET_RATE);
    s->block = rate / 100; /* 10 ms: a listener waits for no more */
    s->resampler = new_resampler(channels, (uint32_t)rate, PERCEPNET_RATE);
    s->read = new_samples(channels, s->block);
    s->ready = new_samples(channels, resampler_room(s->resampler, s->block));
    return 1;
}

/* Makes the next samples ready. 0: the file has ended, at 48 kHz and rounded up. */
static int refill(source *s)
{
    uint64_t rate = s->file.format.rate;
    for (;;) {
        size_t got = wav_read(&s->file, s->read, s->block);
        uint64_t left = (s->file.done * PERCEPNET_RATE + rate - 1) / rate - s->done;
        if (got == 0 && left == 0)
            return 0;
        s->from = 0;
        s->to = got ? resampler_run(s->resampler, s->read, got, s->ready)
                    : resampler_run(s->resampler, NULL, s->block, s->ready);
        if (s->to > left)
            s->to = (size_t)left;
        if (s->to > 0)
            return 1;
    }
}

size_t source_read(source *s, int16_t *pcm, size_t count)
{
    size_t channels = s->file.format.channels, got = 0;
    if (!s->resampler) {
        got = wav_read(&s->file, pcm, count);
        s->done += got;
    }
    while (s->resampler && got < count && (s->from < s->to || refill(s))) {
        size_t part = s->to - s->from < count - got ? s->to - s->from : count - got;
        memcpy(pcm + got * channels, s->ready + s->from * channels, part * channels * sizeof *pcm);
        s->from += part;
        s->done += part;
        got += part;
    }
    return got;
}

void source_close(source *s)
{
    wav_close(&s->file);
    resampler_free(s->resampler);
    free(s->read);
    free(s->ready);
}

void sink_begin(sink *s, const source *from)
{
    wav_begin(&s->file, &from->file);
    if (!from->resampler)
        return;
    s->resampler = new_resampler(s->file.format.channels, PERCEPNET_RATE, s->file.format.rate);
    s->ready = new_samples(s->file.format.channels, resampler_room(s->resampler, PERCEPNET_HOP));
}

int sink_write(sink *s, const int16_t *pcm, size_t count)
{
    s->done += count;
    if (!s->resampler)
        return wav_write(&s->file, pcm, count);
    return wav_write(&s->file, s->ready, resampler_run(s->resampler, pcm, count, s->ready));
}

void sink_finish(sink *s, source *from)
{
    while (s->resampler && !s->file.to.failed && s->file.done < from->file.done) {
        size_t ready = resampler_run(s->resampler, NULL, PERCEPNET_HOP, s->ready);
        uint64_t left = from->file.done - s->file.done;
        wav_write(&s->file, s->ready, ready < left ? ready : (size_t)left);
    }
    wav_finish(&s->file, &from->file);
    resampler_free(s->resampler);
    free(s->ready);
}
