/* Any pair of rates, any sound, cut into calls of any size: never more samples than there is room for,
 * and the same ones however the sound was cut. */
#define _POSIX_C_SOURCE 200809L
#include "resample.h"

#include <string.h>

#include "draw.h"

static uint32_t any_rate(void)
{
    static const uint32_t usual[] = {8000, 11025, 16000, 22050, 44100, 48000, 88200, 96000, 176400, 192000};
    return one_in(2) ? usual[below(10)]
                     : (uint32_t)(RESAMPLE_LOWEST + below(RESAMPLE_HIGHEST - RESAMPLE_LOWEST + 1));
}

/* Outputs of `count` samples a channel in calls of at most `most`, and of silence behind; how many. */
static size_t cut_up(resampler *r, const int16_t *in, size_t count, unsigned channels, size_t most,
                     int16_t *all)
{
    size_t at = 0, made = 0, tail = resampler_reach(r) + 1;
    while (at < count + tail) {
        size_t left = at < count ? count - at : count + tail - at;
        size_t part = 1 + (size_t)below((int)most), room, got;
        int16_t *out;
        part = part < left ? part : left;
        room = resampler_room(r, part);
        out = malloc(room * channels * sizeof *out); /* exactly */
        CHECK(out);
        got = resampler_run(r, at < count ? in + at * channels : NULL, part, out);
        CHECK(got <= room);
        memcpy(all + made * channels, out, got * channels * sizeof *out);
        free(out);
        made += got;
        at += part;
    }
    return made;
}

static uint64_t convert(void)
{
    uint32_t from = any_rate(), to = one_in(2) ? 48000 : any_rate();
    unsigned channels = 1 + (unsigned)(one_in(3) ? below(64) : below(2));
    size_t count = (size_t)below(3000), reach, room, made;
    resampler *r = resampler_new(from, to, channels);
    int16_t *in = malloc(count * channels * sizeof *in + 1), *one, *two, level = (int16_t)draw();
    CHECK(r && in);
    for (size_t i = 0; i < count * channels; i++)
        in[i] = (int16_t)(one_in(3) ? draw() : (uint32_t)(one_in(2) ? level : -32768));
    reach = resampler_reach(r) + 1;
    room = resampler_room(r, count) + resampler_room(r, reach) + 8;
    one = malloc(room * channels * sizeof *one);
    two = malloc(room * channels * sizeof *two);
    CHECK(one && two);
    made = cut_up(r, in, count, channels, 5000, one);
    CHECK(made <= room);
    resampler_reset(r);
    CHECK(cut_up(r, in, count, channels, 1 + (size_t)below(50), two) == made);
    CHECK(memcmp(one, two, made * channels * sizeof *one) == 0);
    free(one);
    free(two);
    free(in);
    resampler_free(r);
    return count;
}

int main(int argc, char **argv)
{
    return fuzz_main(argc, argv, "samples at other rates", convert);
}
