/* Blocks of any size, as sound cards and plug-in hosts hand them over. A ring of 48 kHz stands between
 * the callback that records and the thread that suppresses; percepnet_feed takes what is there, so
 * nobody has to wait for whole hops. What goes in comes out PERCEPNET_FEED_DELAY samples later,
 * whatever the sizes. Standard input to standard output, raw int16_t, 48 kHz, one channel. */
#include <stdint.h>
#include <stdio.h>

#include "percepnet.h"

#define RING 4096 /* samples, a power of two: 85 ms between the two threads */

typedef struct {
    int16_t samples[RING];
    unsigned written, read; /* counts; in two threads each of them an atomic that one side writes */
} ring;

/* The recording callback: n samples, as many as fit. Returns how many. */
static unsigned push(ring *r, const int16_t *block, unsigned n)
{
    unsigned room = RING - (r->written - r->read);
    n = n < room ? n : room;
    for (unsigned i = 0; i < n; i++)
        r->samples[(r->written + i) % RING] = block[i];
    r->written += n;
    return n;
}

/* The other thread: suppresses all that is there in place and plays it. 0, or a negative status. */
static int drain(ring *r, percepnet *st)
{
    while (r->read != r->written) {
        unsigned at = r->read % RING, n = r->written - r->read;
        n = n < RING - at ? n : RING - at; /* up to the end of the ring */
        int voice = percepnet_feed(st, r->samples + at, r->samples + at, (int)n);
        if (voice < 0)
            return voice;
        fwrite(r->samples + at, sizeof *r->samples, n, stdout);
        r->read += n;
    }
    return PERCEPNET_OK;
}

int main(void)
{
    static const unsigned sizes[] = {441, 1, 512, 127, 960, 64}; /* as a bad day has them */
    static unsigned char memory[PERCEPNET_STATE_BYTES + PERCEPNET_STATE_ALIGN - 1];
    static ring r;
    int16_t block[960];
    size_t got, turn = 0;
    uintptr_t align = PERCEPNET_STATE_ALIGN - 1;
    percepnet *st = percepnet_init((void *)(((uintptr_t)memory + align) & ~align), PERCEPNET_STATE_BYTES);
    if (!st)
        return 1;
    while ((got = fread(block, sizeof *block, sizes[turn++ % 6], stdin)) > 0)
        if (push(&r, block, (unsigned)got) != got || drain(&r, st) < 0)
            return 1;
    return ferror(stdin) || fflush(stdout) ? 1 : 0;
}
