/* percepnet [SETTING=VALUE ...] IN OUT [TAPS]: raw int16 samples through the library on a bare board.
 * percepnet [SETTING=VALUE ...] --footprint: bytes of memory and of stack.
 *
 * What the command is elsewhere, for boards without a system: OUT is aligned with IN and as long, TAPS
 * receives the recorded signals of every call. Exit codes: 0 done, 2 an argument or a file is not right. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "percepnet.h"
#include "taps.h"

enum { STACK_BYTES = 1 << 16, PAINT = 0xA5, CALLS = 50 };
static const struct {
    const char *name;
    int (*set)(percepnet *st, int value);
} settings[] = {
#ifdef PERCEPNET_HAS_POSTFILTER
    {"postfilter", percepnet_set_postfilter},
    {"postfilter_beta_permille", percepnet_set_postfilter_beta_permille},
#endif
    {"decay_floor", percepnet_set_decay_floor},
    {"highpass", percepnet_set_highpass},
    {"attenuation_limit_db", percepnet_set_attenuation_limit_db},
};

static int refuse(const char *what, const char *needed)
{
    fprintf(stderr, "percepnet: %s found; %s is needed\n", what, needed);
    return 2;
}

static int set(percepnet *st, const char *word)
{
    const size_t length = strcspn(word, "=");
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (strlen(settings[i].name) == length && !strncmp(word, settings[i].name, length))
            return settings[i].set(st, atoi(word + length + 1));
    return -1;
}

static long samples_of(FILE *in)
{
    fseek(in, 0, SEEK_END);
    const long bytes = ftell(in);
    rewind(in);
    return bytes / (long)sizeof(int16_t);
}

static void write_taps(const percepnet *st, FILE *taps)
{
    for (int i = 0; i < percepnet_n_taps; i++) {
        const percepnet_tap *tap = &percepnet_taps[i];
        fwrite((const unsigned char *)st + tap->offset, tap->bytes, tap->count, taps);
    }
}

static int enhance(percepnet *st, FILE *in, FILE *out, FILE *taps)
{
    long skip = percepnet_delay_samples(), left = samples_of(in);
    int16_t x[PERCEPNET_HOP];
    while (left > 0) {
        const size_t got = fread(x, sizeof *x, PERCEPNET_HOP, in);
        memset(x + got, 0, (PERCEPNET_HOP - got) * sizeof *x);
        if (percepnet_process(st, x, x) < 0)
            return refuse("a refused frame", "an instance");
        if (taps)
            write_taps(st, taps);
        const long from = skip < PERCEPNET_HOP ? skip : PERCEPNET_HOP;
        const long count = left < PERCEPNET_HOP - from ? left : PERCEPNET_HOP - from;
        fwrite(x + from, sizeof *x, (size_t)count, out);
        skip -= from;
        left -= count;
    }
    return 0;
}

static __attribute__((noinline)) void run_calls(percepnet *st, int calls)
{
    static int16_t x[PERCEPNET_BLOCK * PERCEPNET_HOP];
    uint32_t seed = 1;
    for (int n = 0; n < calls; n++) {
        for (size_t i = 0; i < sizeof x / sizeof *x; i++) {
            seed = seed * 1664525u + 1013904223u;
            x[i] = (int16_t)((int32_t)(seed >> 16) - 32768);
        }
        percepnet_process(st, x, x);
        percepnet_process_block(st, x, x, PERCEPNET_BLOCK, NULL);
    }
}

/* How far calls write into a stack painted below this frame. */
static __attribute__((noinline)) unsigned long stack_used(percepnet *st, int calls)
{
    volatile unsigned char *top = __builtin_frame_address(0), *bottom = top - STACK_BYTES;
    for (volatile unsigned char *p = bottom; p < top - 256; p++) /* the frame itself stays */
        *p = PAINT;
    run_calls(st, calls);
    while (bottom < top && *bottom == PAINT)
        bottom++;
    return (unsigned long)(top - bottom);
}

static int print_footprint(percepnet *st)
{
    const unsigned long idle = stack_used(st, 0), used = stack_used(st, CALLS);
    printf("{\"model\": \"%s\", \"state\": %lu, \"scratch\": %u, \"stack\": %lu}\n", percepnet_model_id(),
           (unsigned long)percepnet_state_bytes() - percepnet_scratch_bytes, percepnet_scratch_bytes,
           used - idle);
    return 0;
}

int main(int argc, char **argv)
{
    static _Alignas(PERCEPNET_STATE_ALIGN) unsigned char memory[PERCEPNET_STATE_BYTES];
    percepnet *st = percepnet_init(memory, sizeof memory);
    int i = 1;
    for (; i < argc && strchr(argv[i], '='); i++)
        if (set(st, argv[i]))
            return refuse(argv[i], "a setting and a value in its range");
    if (i + 1 == argc && !strcmp(argv[i], "--footprint"))
        return print_footprint(st);
    if (argc - i < 2 || argc - i > 3)
        return refuse("another command line", "IN OUT [TAPS]");
    FILE *in = fopen(argv[i], "rb"), *out = fopen(argv[i + 1], "wb");
    FILE *taps = argc - i == 3 ? fopen(argv[i + 2], "wb") : NULL;
    if (!in || !out || (argc - i == 3 && !taps))
        return refuse("an unusable file", "a readable IN and a writable OUT");
    const int status = enhance(st, in, out, taps);
    return fclose(in) | fclose(out) | (taps ? fclose(taps) : 0) ? refuse("a full disk", "room") : status;
}
