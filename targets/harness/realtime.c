/* realtime: processor time of every set of kernels that this CPU can run, hop by hop and in blocks.
 *
 * Prints lines "set hops nanoseconds": hops of a call, time of one hop. Every line is the same sound,
 * after a warm-up; the caller runs the program several times and takes the median of all. A module of
 * WebAssembly is not told its processor time: there it is time that passed. */
#define _POSIX_C_SOURCE 200112L /* posix_memalign, clock_gettime */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "suppressor.h"

#if defined(__wasm__)
#define CLOCK CLOCK_MONOTONIC
#else
#define CLOCK CLOCK_PROCESS_CPUTIME_ID
#endif

enum { WARM_UP = 8, N_HOPS = 40, REPEATS = 5 }; /* short: few meet another program on their core */

static int16_t sound[(WARM_UP + N_HOPS) * PERCEPNET_HOP];

/* pulses at 120 Hz, which the tracker follows, over noise */
static void make_sound(void)
{
    uint32_t seed = 1;
    for (int i = 0; i < (WARM_UP + N_HOPS) * PERCEPNET_HOP; i++) {
        seed = seed * 1664525u + 1013904223u;
        sound[i] = (int16_t)(((int32_t)(seed >> 16) - 32768) / 32 + (i % 400 < 20 ? 8000 : 0));
    }
}

static void process(percepnet *st, const int16_t *in, int count, int hops)
{
    int16_t out[PERCEPNET_BLOCK * PERCEPNET_HOP], voice[PERCEPNET_BLOCK];
    for (int n = 0; n < count; n += hops)
        if (percepnet_process_block(st, out, in + n * PERCEPNET_HOP, hops, voice) != PERCEPNET_OK)
            exit(1);
}

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t time_of(percepnet *st, int hops)
{
    percepnet_reset(st);
    process(st, sound, WARM_UP, hops);
    int64_t begin = now();
    process(st, sound + WARM_UP * PERCEPNET_HOP, N_HOPS, hops);
    return (now() - begin) / N_HOPS;
}

int main(void)
{
    void *memory = NULL;
    size_t bytes = percepnet_state_bytes();
    percepnet *st = posix_memalign(&memory, 64, bytes) ? NULL : percepnet_init(memory, bytes);
    if (!st) {
        fprintf(stderr, "realtime: %lu bytes for an instance are needed\n", (unsigned long)bytes);
        return 2;
    }
    make_sound();
    for (int s = 0; percepnet_kernel_sets[s]; s++) {
        if (!percepnet_kernels_run_here(percepnet_kernel_sets[s]))
            continue;
        st->kernels = percepnet_kernel_sets[s];
        for (int hops = 1; hops <= PERCEPNET_BLOCK; hops += PERCEPNET_BLOCK - 1)
            for (int n = 0; n < REPEATS; n++)
                printf("%s %d %lld\n", st->kernels->isa, hops, (long long)time_of(st, hops));
    }
    free(memory);
    return 0;
}
