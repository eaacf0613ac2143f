/* Noise suppression from standard input to standard output: raw int16_t, 48 kHz, one channel.
 * On Windows both are text until _setmode(_fileno(...), _O_BINARY) says otherwise. */
#include <stdint.h>
#include <stdio.h>

#include "percepnet.h"

static unsigned char memory[PERCEPNET_STATE_BYTES + 15];

int main(void)
{
    int16_t hop[PERCEPNET_HOP];
    void *aligned = (void *)(((uintptr_t)memory + 15) & ~(uintptr_t)15);
    percepnet *st = percepnet_init(aligned, PERCEPNET_STATE_BYTES);
    if (!st)
        return 1;
    while (fread(hop, sizeof *hop, PERCEPNET_HOP, stdin) == PERCEPNET_HOP) {
        percepnet_process(st, hop, hop); /* what comes out went in PERCEPNET_DELAY samples ago */
        fwrite(hop, sizeof *hop, PERCEPNET_HOP, stdout);
    }
    return ferror(stdin) || fflush(stdout) ? 1 : 0;
}
