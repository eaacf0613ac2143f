/* calls HOPS IN OUT: raw int16 samples, one channel, through the library, HOPS hops a call.
 *
 * The counted program: nothing but calls, so that the counts are those of the library. One hop goes
 * through percepnet_process, more through percepnet_process_block; what is left over at the end of
 * IN is dropped. Exit codes: 0 done, 2 an argument or a file is not right. */
#define _POSIX_C_SOURCE 200112L /* posix_memalign */
#include <stdio.h>
#include <stdlib.h>

#include "percepnet.h"

static int refuse(const char *what, const char *needed)
{
    fprintf(stderr, "calls: %s found; %s is needed\n", what, needed);
    return 2;
}

int main(int argc, char **argv)
{
    static int16_t x[PERCEPNET_BLOCK * PERCEPNET_HOP];
    const int hops = argc == 4 ? atoi(argv[1]) : 0;
    void *memory = NULL;
    if (hops < 1 || hops > PERCEPNET_BLOCK)
        return refuse("another command line", "calls HOPS IN OUT, 1 to PERCEPNET_BLOCK hops,");
    if (posix_memalign(&memory, 64, percepnet_state_bytes()))
        return refuse("too little memory", "room for an instance");
    FILE *in = fopen(argv[2], "rb"), *out = fopen(argv[3], "wb");
    if (!in || !out)
        return refuse("an unusable file", "a readable IN and a writable OUT");
    percepnet *st = percepnet_init(memory, percepnet_state_bytes());
    const size_t count = (size_t)hops * PERCEPNET_HOP;
    while (fread(x, sizeof *x, count, in) == count) {
        if (hops == 1)
            percepnet_process(st, x, x);
        else
            percepnet_process_block(st, x, x, hops, NULL);
        fwrite(x, sizeof *x, count, out);
    }
    free(memory);
    return fclose(in) | fclose(out) ? refuse("a full disk", "room for OUT") : 0;
}
