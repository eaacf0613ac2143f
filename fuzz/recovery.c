/* recovery < SPEECH.s16: how long hostile sound is heard after it has ended.
 *
 * An instance hears ten seconds of it and then speech, another one only the speech; printed is, by kind
 * of hostile sound, the last moment in milliseconds at which the levels of the two, over 100 ms, are
 * more than 6 dB apart: "KIND MS". What is quieter than -45 dBFS counts as silent. */
#include <math.h>
#include <stdio.h>

#include "percepnet.h"

enum { HOSTILE_HOPS = 1000, WINDOW_HOPS = 10, MOST_HOPS = 3000 };

static int16_t speech[MOST_HOPS * PERCEPNET_HOP];
static unsigned char memory[2][PERCEPNET_STATE_BYTES] __attribute__((aligned(16)));

static const char *const kinds[] = {"noise", "square", "clicks", "constant", "alternating", "tone"};

static int16_t hostile(int kind, int n)
{
    static uint32_t seed = 1;
    switch (kind) {
    case 0: seed = seed * 1664525u + 1013904223u; return (int16_t)(seed >> 16);
    case 1: return n / 240 & 1 ? 32767 : -32768;
    case 2: return n % 479 ? 0 : -32768;
    case 3: return 32767;
    case 4: return n & 1 ? 32767 : -32768;
    default: return (int16_t)(n * 1365); /* a sawtooth of 1 kHz, full scale */
    }
}

static double energy(percepnet *st, const int16_t *in, int hops)
{
    int16_t out[PERCEPNET_HOP];
    double sum = 0;
    for (int n = 0; n < hops; n++) {
        percepnet_process(st, out, in + n * PERCEPNET_HOP);
        for (int i = 0; i < PERCEPNET_HOP; i++)
            sum += (double)out[i] * out[i];
    }
    return sum / (hops * PERCEPNET_HOP) + 184.0 * 184.0;
}

static int recovery_ms(int kind, int hops)
{
    percepnet *shaken = percepnet_init(memory[0], sizeof memory[0]);
    percepnet *fresh = percepnet_init(memory[1], sizeof memory[1]);
    int16_t hop[PERCEPNET_HOP];
    int last = 0;
    for (int n = 0; n < HOSTILE_HOPS; n++) {
        for (int i = 0; i < PERCEPNET_HOP; i++)
            hop[i] = hostile(kind, n * PERCEPNET_HOP + i);
        percepnet_process(shaken, hop, hop);
    }
    for (int n = 0; n + WINDOW_HOPS <= hops; n += WINDOW_HOPS) {
        double a = energy(shaken, speech + n * PERCEPNET_HOP, WINDOW_HOPS);
        double b = energy(fresh, speech + n * PERCEPNET_HOP, WINDOW_HOPS);
        if (fabs(10 * log10(a / b)) > 6)
            last = 10 * (n + WINDOW_HOPS);
    }
    return last;
}

int main(void)
{
    int hops = (int)(fread(speech, 2 * PERCEPNET_HOP, MOST_HOPS, stdin));
    for (int kind = 0; kind < (int)(sizeof kinds / sizeof *kinds); kind++)
        printf("%s %d\n", kinds[kind], recovery_ms(kind, hops));
    return 0;
}
