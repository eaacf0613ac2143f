/* check IN OUT: suppress IN and compare with OUT, sample by sample. Both raw little-endian int16_t.
 * Exit code 0: equal; 1: the first difference is printed; 2: a file cannot be read. */
#include <stdint.h>
#include <stdio.h>

#include "percepnet.h"

static unsigned char memory[PERCEPNET_STATE_BYTES + 15];

/* The next hop, whatever the byte order of this machine; 0 at the end. */
static int read_hop(FILE *file, int16_t *hop)
{
    unsigned char bytes[2 * PERCEPNET_HOP];
    if (fread(bytes, sizeof bytes, 1, file) != 1)
        return 0;
    for (int i = 0; i < PERCEPNET_HOP; i++) {
        int value = bytes[2 * i] | bytes[2 * i + 1] << 8;
        hop[i] = (int16_t)(value < 32768 ? value : value - 65536);
    }
    return 1;
}

int main(int argc, char **argv)
{
    int16_t hop[PERCEPNET_HOP], expected[PERCEPNET_HOP];
    void *aligned = (void *)(((uintptr_t)memory + 15) & ~(uintptr_t)15);
    percepnet *st = percepnet_init(aligned, PERCEPNET_STATE_BYTES);
    FILE *in = argc == 3 ? fopen(argv[1], "rb") : NULL;
    FILE *out = argc == 3 ? fopen(argv[2], "rb") : NULL;
    int frames = 0;
    if (!st || !in || !out) {
        fprintf(stderr, "check: two files that can be read are needed: check IN OUT\n");
        return 2;
    }
    for (; read_hop(in, hop); frames++) {
        percepnet_process(st, hop, hop);
        if (!read_hop(out, expected)) {
            fprintf(stderr, "check: %s ends before frame %d\n", argv[2], frames);
            return 2;
        }
        for (int i = 0; i < PERCEPNET_HOP; i++) {
            if (hop[i] != expected[i]) {
                printf("%s: frame %d, sample %d: %d found, %d expected\n", argv[1], frames, i, hop[i],
                       expected[i]);
                return 1;
            }
        }
    }
    printf("%s: %d frames equal, %s\n", argv[1], frames, percepnet_model_id());
    return frames ? 0 : 2;
}
