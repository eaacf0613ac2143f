#include "resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846
#define REACH 64    /* zero crossings of the sinc on either side, at the lower rate */
#define BETA 10.06  /* of Kaiser's window: 0.1102 (100 - 8.7), a stop band at 100 dB */
#define CUTOFF 0.95 /* of half the lower rate: the transition, (100 - 8) / (4.57 REACH pi) = 0.1, ends at 1 */
#define FRACTION 22 /* bits of a coefficient; sums are of 64 bits */
/* every usual rate needs at most 640; between two, outputs lie on a line: (pi / 1024)^2 / 8, 118 dB
 * down. 3 MB and 0.8 million sines at most */
#define MAX_PHASES 1024

struct resampler {
    unsigned channels;
    uint32_t up, down; /* rates without their common divisor: every output is down / up inputs later */
    size_t taps; /* of one phase */
    uint32_t phases; /* up, or MAX_PHASES where that is less */
    int32_t *phase_q22; /* [phases + 1][taps]; the last is the first, an input later */
    int16_t *line; /* [channels][2 taps]: the newest inputs, twice, to be read in one piece */
    size_t at; /* where the next input goes, below taps */
    size_t wait; /* inputs until the next output can be computed */
    uint32_t fraction; /* of an input, in 1 / up: where that output stands */
};

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
    return b ? common_divisor(b, a % b) : a;
}

/* Modified Bessel function of order 0, by its series. */
static double bessel_i0(double x)
{
    double term = 1, sum = 1;
    for (int k = 1; term > 1e-17 * sum; k++) {
        term *= x * x / (4.0 * k * k);
        sum += term;
    }
    return sum;
}

/* `x` in samples of the lower rate */
static double windowed_sinc(double x)
{
    double edge = 1 - x * x / (REACH * REACH), angle = PI * CUTOFF * x;
    if (edge <= 0)
        return 0;
    return (angle == 0 ? 1 : sin(angle) / angle) * bessel_i0(BETA * sqrt(edge));
}

/* Tap k of phase p weighs the input that stands k - (taps / 2 - 1) - p / phases inputs after the output.
 * Each phase sums to 1. Rounding hides in all but one of 10^9 taps what two libm differ in. */
static void compute_phases(resampler *r, double *taps)
{
    double scale = r->up < r->down ? (double)r->up / r->down : 1;
    for (uint32_t p = 0; p <= r->phases; p++) {
        double sum = 0;
        for (size_t k = 0; k < r->taps; k++) {
            double distance = (double)k - (double)(r->taps / 2 - 1) - (double)p / r->phases;
            taps[k] = windowed_sinc(scale * distance);
            sum += taps[k];
        }
        for (size_t k = 0; k < r->taps; k++)
            r->phase_q22[p * r->taps + k] = (int32_t)floor(ldexp(taps[k] / sum, FRACTION) + 0.5);
    }
}

resampler *resampler_new(uint32_t from, uint32_t to, unsigned channels)
{
    uint32_t divisor = common_divisor(from, to);
    resampler *r = calloc(1, sizeof *r);
    double *taps = NULL;
    if (!r)
        return NULL;
    r->channels = channels;
    r->up = to / divisor;
    r->down = from / divisor;
    r->taps = 2 * (r->up < r->down ? ((size_t)REACH * r->down + r->up - 1) / r->up : REACH);
    r->phases = r->up < MAX_PHASES ? r->up : MAX_PHASES;
    r->phase_q22 = malloc((r->phases + 1) * r->taps * sizeof *r->phase_q22);
    r->line = malloc(2 * r->taps * channels * sizeof *r->line);
    taps = malloc(r->taps * sizeof *taps);
    if (!r->phase_q22 || !r->line || !taps) {
        resampler_free(r);
        r = NULL;
    } else {
        compute_phases(r, taps);
        resampler_reset(r);
    }
    free(taps);
    return r;
}

size_t resampler_reach(const resampler *r)
{
    return r->taps / 2;
}

void resampler_reset(resampler *r)
{
    memset(r->line, 0, 2 * r->taps * r->channels * sizeof *r->line);
    r->at = 0;
    r->wait = resampler_reach(r) + 1;
    r->fraction = 0;
}

size_t resampler_room(const resampler *r, size_t count)
{
    return (size_t)((uint64_t)count * r->up / r->down) + 1;
}

static void put(resampler *r, const int16_t *in)
{
    for (unsigned c = 0; c < r->channels; c++) {
        int16_t *line = r->line + 2 * r->taps * c + r->at;
        line[0] = line[r->taps] = (int16_t)(in ? in[c] : 0);
    }
    r->at = (r->at + 1) % r->taps;
    r->wait--;
}

static int64_t weigh(const int16_t *x, const int32_t *h, size_t taps)
{
    int64_t sum = 0;
    for (size_t k = 0; k < taps; k++)
        sum += (int64_t)h[k] * x[k];
    return sum;
}

static int16_t output(const resampler *r, unsigned channel)
{
    const int16_t *x = r->line + 2 * r->taps * channel + r->at;
    uint64_t place = (uint64_t)r->fraction * r->phases; /* in 1 / up of a phase */
    const int32_t *h = r->phase_q22 + (size_t)(place / r->up) * r->taps;
    int64_t rest = (int64_t)(place % r->up), sum = weigh(x, h, r->taps);
    if (rest)
        sum += (weigh(x, h + r->taps, r->taps) - sum) * rest / r->up;
    sum = (sum + ((int64_t)1 << (FRACTION - 1))) >> FRACTION;
    return (int16_t)(sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : sum);
}

size_t resampler_run(resampler *r, const int16_t *in, size_t count, int16_t *out)
{
    size_t made = 0;
    for (size_t i = 0; i < count; i++) {
        put(r, in ? in + i * r->channels : NULL);
        for (; r->wait == 0; made++) {
            for (unsigned c = 0; c < r->channels; c++)
                out[made * r->channels + c] = output(r, c);
            r->fraction += r->down;
            r->wait = r->fraction / r->up;
            r->fraction %= r->up;
        }
    }
    return made;
}

void resampler_free(resampler *r)
{
    if (!r)
        return;
    free(r->phase_q22);
    free(r->line);
    free(r);
}
