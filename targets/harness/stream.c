#include "stream.h"

#include <stdlib.h>
#include <string.h>

#include "percepnet.h"

static resampler *new_resampler(const wav *file, uint32_t from, uint32_t to)
{
    resampler *r = resampler_new(from, to, file->channels);
    if (!r)
        die("memory", "a filter from %lu to %lu Hz does not fit", (unsigned long)from, (unsigned long)to);
    return r;
}

static int16_t *new_samples(const wav *file, size_t count)
{
    int16_t *samples = malloc(count * file->channels * sizeof *samples);
    if (!samples)
        die("memory", "%lu samples of %u channels do not fit", (unsigned long)count, file->channels);
    return samples;
}

void source_open(source *s, const char *name, int resample)
{
    unsigned long rate;
    memset(s, 0, sizeof *s);
    wav_open(&s->file, name);
    rate = s->file.rate;
    if (rate == PERCEPNET_RATE)
        return;
    if (rate < RESAMPLE_LOWEST || rate > RESAMPLE_HIGHEST)
        die(s->file.name, "%lu Hz found; %d Hz is needed, or %d to %d Hz with --resample", rate,
            PERCEPNET_RATE, RESAMPLE_LOWEST, RESAMPLE_HIGHEST);
    if (!resample)
        die(s->file.name, "%lu Hz found; %d Hz is needed: --resample converts to it and back", rate,
            PERCEPNET_RATE);
    s->block = s->file.rate / 100; /* 10 ms: a listener waits for no more */
    s->resampler = new_resampler(&s->file, s->file.rate, PERCEPNET_RATE);
    s->read = new_samples(&s->file, s->block);
    s->ready = new_samples(&s->file, resampler_room(s->resampler, s->block));
}

/* Makes the next samples ready. 0: the file has ended, at 48 kHz and rounded up. */
static int refill(source *s)
{
    uint64_t rate = s->file.rate;
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
    size_t channels = s->file.channels, got = 0;
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
    if (s->file.file != stdin)
        fclose(s->file.file);
    resampler_free(s->resampler);
    free(s->read);
    free(s->ready);
}

void sink_create(sink *s, const char *name, const source *from)
{
    memset(s, 0, sizeof *s);
    wav_create(&s->file, name, &from->file);
    if (!from->resampler)
        return;
    s->resampler = new_resampler(&s->file, PERCEPNET_RATE, s->file.rate);
    s->ready = new_samples(&s->file, resampler_room(s->resampler, PERCEPNET_HOP));
}

void sink_write(sink *s, const int16_t *pcm, size_t count)
{
    if (s->resampler) {
        size_t ready = resampler_run(s->resampler, pcm, count, s->ready);
        wav_write(&s->file, s->ready, ready);
    } else {
        wav_write(&s->file, pcm, count);
    }
    s->done += count;
}

void sink_finish(sink *s, uint64_t length)
{
    while (s->file.done < length) {
        size_t ready = resampler_run(s->resampler, NULL, PERCEPNET_HOP, s->ready);
        uint64_t left = length - s->file.done;
        wav_write(&s->file, s->ready, ready < left ? ready : (size_t)left);
    }
    wav_finish(&s->file);
    resampler_free(s->resampler);
    free(s->ready);
}
