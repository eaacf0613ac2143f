/* climb SEED SECONDS: how large states become, by hill climbing over the sound that goes in.
 *
 * A sound of full-scale samples, 160 ms long, is changed in one place at a time: a stretch is
 * turned round, or becomes a square wave, silence or noise; what makes the state no smaller stays.
 * Prints "STATE: largest of SOUNDS" for each state that has a proved bound; SECONDS are for each. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <string.h>

#include "draw.h"
#include "suppressor.h"

enum { HOPS = 16, SAMPLES = HOPS * PERCEPNET_HOP };
#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

static int16_t best[SAMPLES], tried[SAMPLES];
static unsigned char memory[PERCEPNET_STATE_BYTES] __attribute__((aligned(PERCEPNET_STATE_ALIGN)));

static double most32(const int32_t *x, int count)
{
    double most = 0;
    for (int i = 0; i < count; i++)
        most = fmax(most, fabs((double)x[i]));
    return most;
}

static double most64(const int64_t *x, int count)
{
    double most = 0;
    for (int i = 0; i < count; i++)
        most = fmax(most, fabs((double)x[i]));
    return most;
}

static double most_of_bins(const percepnet_spectrum *s)
{
    double most = 0;
    for (int k = 0; k < PERCEPNET_N_BINS; k++)
        most = fmax(most, hypot(s->re[k], s->im[k]));
    return most;
}

#define STATE(name, value) \
    static double name(const percepnet *st) \
    { \
        return value; \
    }
STATE(dcblock_sum, fabs((double)st->past.dcblock.sum_q10))
STATE(spectrum, most_of_bins(&st->work.newest))
STATE(band_energy, most64(st->work.newest_energy, PERCEPNET_N_BANDS))
STATE(comb, most32(st->work.comb_q15, PERCEPNET_WINDOW))
STATE(decimated, most32(st->past.pitch.low_q8, COUNT(st->past.pitch.low_q8)))
STATE(smoothed, fabs((double)st->past.pitch.smoothed_q8))
STATE(pre_activation, most32(st->past.dnn.pre_6k, COUNT(st->past.dnn.pre_6k)))
STATE(floor_amplitude, most64(st->past.decay.amplitude_q2, PERCEPNET_N_BANDS))
STATE(highpass_memory_0, fabs((double)st->past.highpass.m0_q43))
STATE(highpass_memory_1, fabs((double)st->past.highpass.m1_q43))

typedef double (*state)(const percepnet *);
#define NAMED(name) {#name, name}
static const struct {
    const char *name;
    state of;
} states[] = {
    NAMED(dcblock_sum),       NAMED(spectrum),          NAMED(band_energy),    NAMED(comb),
    NAMED(decimated),         NAMED(smoothed),          NAMED(pre_activation), NAMED(floor_amplitude),
    NAMED(highpass_memory_0), NAMED(highpass_memory_1),
};

/* the largest value of a state in the course of a sound */
static double height(state of, const int16_t *sound)
{
    percepnet *st = percepnet_init(memory, sizeof memory);
    int16_t out[PERCEPNET_HOP];
    double most = 0;
    percepnet_set_highpass(st, 1);
    percepnet_set_decay_floor(st, 1);
    for (int n = 0; n < HOPS; n++) {
        percepnet_process(st, out, sound + n * PERCEPNET_HOP);
        most = fmax(most, of(st));
    }
    return most;
}

static void change(int16_t *sound)
{
    const int length = 1 + below(1 << (1 + below(14))), kind = below(5), period = 1 + below(600);
    const int start = below(SAMPLES), end = start + length < SAMPLES ? start + length : SAMPLES;
    for (int i = start; i < end; i++)
        switch (kind) {
        case 0: sound[i] = (int16_t)~sound[i]; break;
        case 1: sound[i] = (i - start) / period & 1 ? 32767 : -32768; break;
        case 2: sound[i] = start & 1 ? 32767 : -32768; break;
        case 3: sound[i] = 0; break;
        default: sound[i] = one_in(2) ? 32767 : -32768; break;
        }
}

static void climb(int k, double seconds)
{
    const double end = now() + seconds;
    long sounds = 0;
    double most = 0;
    memset(best, 0, sizeof best);
    do {
        memcpy(tried, best, sizeof tried);
        for (int n = sounds ? 1 + below(3) : 200; n; n--)
            change(tried);
        const double found = height(states[k].of, tried);
        if (found >= most) {
            most = found;
            memcpy(best, tried, sizeof best);
        }
        sounds++;
    } while (now() < end);
    printf("%s: %.0f of %ld\n", states[k].name, most, sounds);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    begin_case(argc > 1 ? strtoull(argv[1], NULL, 10) : 1, 0);
    for (int k = 0; k < COUNT(states); k++)
        climb(k, argc > 2 ? atof(argv[2]) : 1);
    return 0;
}
