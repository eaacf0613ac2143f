#include "live.h"

#include <stdlib.h>
#include <string.h>

#include "resample.h"

#define BLOCK 128 /* samples at a time, of the host */

struct live {
    percepnet *st;
    void *memory;            /* of st, before it was aligned */
    resampler *to, *from;    /* 48 kHz; NULL where the host has it */
    int16_t *wide;           /* a block at 48 kHz */
    int16_t *ready;          /* samples for the host, oldest first */
    size_t waiting;          /* of them */
    size_t lead;             /* zeros in front, so that no block asks for more than is ready */
    uint32_t rate;
    int voice_q15;
};

/* nearest whole number, as the command rounds; NaN is 0 */
static int16_t to_int16(float sample)
{
    float scaled = sample * 32768.0f;
    if (scaled >= 32767.0f)
        return 32767;
    if (scaled <= -32768.0f)
        return -32768;
    if (scaled != scaled)
        return 0;
    return (int16_t)(scaled < 0.0f ? scaled - 0.5f : scaled + 0.5f);
}

/* n samples in have given, at 48 kHz, m = (n - reach) 48000 / rate or more, and these m at the rate of
 * the host (m - reach') rate / 48000 or more: n less what this leaves is the most that can lack. */
static int new_resamplers(live *l)
{
    l->to = resampler_new(l->rate, PERCEPNET_RATE, 1);
    l->from = resampler_new(PERCEPNET_RATE, l->rate, 1);
    if (!l->to || !l->from)
        return 0;
    l->lead =
        resampler_reach(l->to) + (size_t)((uint64_t)resampler_reach(l->from) * l->rate / PERCEPNET_RATE);
    size_t wide = resampler_room(l->to, BLOCK);
    l->wide = malloc(wide * sizeof *l->wide);
    l->ready = malloc((l->lead + BLOCK + resampler_room(l->from, wide)) * sizeof *l->ready);
    return l->wide && l->ready;
}

live *live_new(uint32_t rate)
{
    live *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->rate = rate;
    l->memory = malloc(PERCEPNET_STATE_BYTES + PERCEPNET_STATE_ALIGN - 1);
    if (l->memory) {
        uintptr_t align = PERCEPNET_STATE_ALIGN - 1;
        l->st = percepnet_init((void *)(((uintptr_t)l->memory + align) & ~align), PERCEPNET_STATE_BYTES);
    }
    int known = rate >= RESAMPLE_LOWEST && rate <= RESAMPLE_HIGHEST;
    if (!l->st || !known || (rate != PERCEPNET_RATE && !new_resamplers(l))) {
        live_free(l);
        return NULL;
    }
    live_reset(l);
    return l;
}

void live_free(live *l)
{
    if (!l)
        return;
    resampler_free(l->to);
    resampler_free(l->from);
    free(l->wide);
    free(l->ready);
    free(l->memory);
    free(l);
}

void live_reset(live *l)
{
    percepnet_reset(l->st);
    l->voice_q15 = 0;
    if (!l->to)
        return;
    resampler_reset(l->to);
    resampler_reset(l->from);
    l->waiting = l->lead;
    memset(l->ready, 0, l->lead * sizeof *l->ready);
}

/* Suppresses a block in place. */
static void run_block(live *l, int16_t *block, size_t count)
{
    if (!l->to) {
        l->voice_q15 = percepnet_feed(l->st, block, block, (int)count);
        return;
    }
    size_t wide = resampler_run(l->to, block, count, l->wide);
    l->voice_q15 = percepnet_feed(l->st, l->wide, l->wide, (int)wide);
    l->waiting += resampler_run(l->from, l->wide, wide, l->ready + l->waiting);
    l->waiting -= count;
    memcpy(block, l->ready, count * sizeof *block);
    memmove(l->ready, l->ready + count, l->waiting * sizeof *l->ready);
}

void live_run(live *l, const float *in, float *out, size_t count)
{
    int16_t block[BLOCK];
    while (count) {
        size_t n = count < BLOCK ? count : BLOCK;
        for (size_t i = 0; i < n; i++)
            block[i] = to_int16(in[i]);
        run_block(l, block, n);
        for (size_t i = 0; i < n; i++)
            out[i] = (float)block[i] / 32768.0f;
        in += n;
        out += n;
        count -= n;
    }
}

size_t live_latency(const live *l)
{
    uint64_t delay = (uint64_t)PERCEPNET_FEED_DELAY * l->rate + PERCEPNET_RATE / 2;
    return l->lead + (size_t)(delay / PERCEPNET_RATE);
}

int live_voice_q15(const live *l)
{
    return l->voice_q15;
}

percepnet *live_suppressor(live *l)
{
    return l->st;
}
