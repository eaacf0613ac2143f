/* block_check [HOPS]: blocks of HOPS hops, or of 1, 2, 3 ... hops in turn, against hop by hop.
 *
 * Noise, silence, full scale and quiet noise go through two instances; samples and voice activity
 * must be equal. Exit codes: 0 equal, 1 not. */
#define _POSIX_C_SOURCE 200112L /* posix_memalign */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "percepnet.h"

enum { N_HOPS = 96, N_SAMPLES = N_HOPS * PERCEPNET_HOP };

static int16_t single[N_SAMPLES], block[N_SAMPLES], voice_single[N_HOPS], voice_block[N_HOPS];

static void make_signal(int16_t *x)
{
    uint32_t seed = 1;
    for (int i = 0; i < N_SAMPLES; i++) {
        seed = seed * 1664525u + 1013904223u;
        int32_t noise = (int32_t)(seed >> 16) - 32768;
        switch (i / (N_SAMPLES / 4)) {
        case 0: x[i] = (int16_t)(noise / 4); break;
        case 1: x[i] = 0; break;
        case 2: x[i] = (int16_t)(i / 113 % 2 ? 32767 : -32768); break;
        default: x[i] = (int16_t)(noise / 1024); break;
        }
    }
}

static percepnet *new_instance(void)
{
    void *memory = NULL;
    size_t bytes = percepnet_state_bytes();
    percepnet *st = posix_memalign(&memory, 16, bytes) ? NULL : percepnet_init(memory, bytes);
    if (!st) {
        fprintf(stderr, "block_check: %lu bytes for an instance are needed\n", (unsigned long)bytes);
        exit(2);
    }
    return st;
}

int main(int argc, char **argv)
{
    int hops = argc > 1 ? atoi(argv[1]) : 0;
    percepnet *a = new_instance(), *b = new_instance();
    make_signal(single);
    memcpy(block, single, sizeof block);
    for (int n = 0; n < N_HOPS; n++) {
        int16_t *hop = single + n * PERCEPNET_HOP;
        voice_single[n] = (int16_t)percepnet_process(a, hop, hop);
    }
    for (int n = 0, turn = 0, count; n < N_HOPS; n += count, turn++) {
        count = hops ? hops : turn % PERCEPNET_BLOCK + 1;
        count = count < N_HOPS - n ? count : N_HOPS - n;
        int16_t *hop = block + n * PERCEPNET_HOP;
        percepnet_process_block(b, hop, hop, count, voice_block + n);
    }
    free(a);
    free(b);
    for (int i = 0; i < N_SAMPLES; i++)
        if (single[i] != block[i] || voice_single[i / PERCEPNET_HOP] != voice_block[i / PERCEPNET_HOP]) {
            fprintf(stderr, "block_check: hop %d differs: sample %d, in a block %d\n", i / PERCEPNET_HOP,
                    single[i], block[i]);
            return 1;
        }
    printf("block_check: %d hops in blocks are equal to single ones\n", N_HOPS);
    return 0;
}
