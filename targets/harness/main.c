/* percepnet [options] in.wav out.wav: the library on whole files and pipes. */
#define _XOPEN_SOURCE 600
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "percepnet.h"
#include "taps.h"
#include "wav.h"

/* The counting plugin measures between these two. They are no-operations everywhere. */
#if defined(__aarch64__)
#define COUNT_BEGIN() __asm__ volatile("hint #96" ::: "memory")
#define COUNT_END() __asm__ volatile("hint #97" ::: "memory")
#else
#define COUNT_BEGIN() ((void)0)
#define COUNT_END() ((void)0)
#endif

static const char usage[] =
    "percepnet [options] IN.wav OUT.wav\n"
    "Suppresses the noise in speech. 48 kHz WAV: 16-bit or 24-bit PCM or 32-bit float, every channel\n"
    "on its own; \"-\" is standard input or output. The output has the format and length of the\n"
    "input and is aligned with it.\n"
    "  --[no-]postfilter    envelope postfilter\n"
    "  --[no-]decay-floor   gains fall no faster than a room decays\n"
    "  --[no-]highpass      remove what lies below the voice\n"
    "  --taps FILE          write the recorded signals of every call (one channel only)\n"
    "  --footprint          print bytes of state, scratch and stack as JSON; takes no files\n"
    "  -h, --help           this text\n"
    "  -V, --version        version and model\n"
    "Exit codes: 0 done, 2 the input, the output or the command line is not right.\n";

static const struct {
    const char *name;
    int (*set)(percepnet *, int);
} switches[] = {
    {"postfilter", percepnet_set_postfilter},
    {"decay-floor", percepnet_set_decay_floor},
    {"highpass", percepnet_set_highpass},
};
#define N_SWITCHES (sizeof switches / sizeof *switches)

typedef struct {
    const char *files[2];
    int n_files;
    const char *taps;
    int footprint;
    int chosen[N_SWITCHES]; /* 0 off, 1 on, -1 as the library starts */
} options;

static void parse_switch(options *o, const char *argument)
{
    int on = strncmp(argument, "--no-", 5) != 0;
    const char *name = argument + (on ? 2 : 5);
    for (size_t i = 0; i < N_SWITCHES; i++) {
        if (!strcmp(name, switches[i].name)) {
            o->chosen[i] = on;
            return;
        }
    }
    die(argument, "no such option; percepnet --help lists them");
}

static options parse(int argc, char **argv)
{
    options o = {{NULL, NULL}, 0, NULL, 0, {-1, -1, -1}};
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        if (!strcmp(a, "-h") || !strcmp(a, "--help")) {
            fputs(usage, stdout);
            exit(0);
        } else if (!strcmp(a, "-V") || !strcmp(a, "--version")) {
            printf("percepnet %s, model %s\n", percepnet_version(), percepnet_model_id());
            exit(0);
        } else if (!strcmp(a, "--footprint")) {
            o.footprint = 1;
        } else if (!strcmp(a, "--taps")) {
            if (++i == argc)
                die(a, "no file found; the name of a file is needed");
            o.taps = argv[i];
        } else if (!strncmp(a, "--", 2)) {
            parse_switch(&o, a);
        } else if (a[0] == '-' && a[1]) {
            die(a, "no such option; percepnet --help lists them");
        } else {
            if (o.n_files < 2)
                o.files[o.n_files] = a;
            o.n_files++;
        }
    }
    if (o.n_files != (o.footprint ? 0 : 2))
        die("command line", "%d file names found; %d are needed: percepnet [options] IN.wav OUT.wav",
            o.n_files, o.footprint ? 0 : 2);
    return o;
}

static percepnet *new_instance(const options *o)
{
    size_t bytes = percepnet_state_bytes();
    void *memory = NULL;
    percepnet *st = posix_memalign(&memory, 16, bytes) ? NULL : percepnet_init(memory, bytes);
    if (!st)
        die("memory", "%lu bytes for an instance are needed", (unsigned long)bytes);
    for (size_t i = 0; i < N_SWITCHES; i++)
        if (o->chosen[i] >= 0)
            switches[i].set(st, o->chosen[i]);
    return st;
}

/* One hop between the markers; on its own so that they exist once. */
#if defined(__GNUC__)
__attribute__((noinline))
#endif
static int process_hop(percepnet *st, int16_t *hop)
{
    int status;
    COUNT_BEGIN();
    status = percepnet_process(st, hop, hop);
    COUNT_END();
    return status;
}

static void write_taps(FILE *file, const char *name, const percepnet *st)
{
    const unsigned char *base = (const unsigned char *)st;
    for (int i = 0; i < percepnet_n_taps; i++) {
        const percepnet_tap *tap = &percepnet_taps[i];
        if (fwrite(base + tap->offset, tap->bytes, tap->count, file) != tap->count)
            die(name, "the taps cannot be written");
    }
}

/* Runs the channels of one interleaved hop. */
static void process_channels(percepnet **st, unsigned channels, int16_t *pcm)
{
    int16_t hop[PERCEPNET_HOP];
    for (unsigned c = 0; c < channels; c++) {
        for (size_t i = 0; i < PERCEPNET_HOP; i++)
            hop[i] = pcm[i * channels + c];
        if (process_hop(st[c], hop) < 0)
            die("library", "percepnet_process refused a frame; please report this");
        for (size_t i = 0; i < PERCEPNET_HOP; i++)
            pcm[i * channels + c] = hop[i];
    }
}

/* Streams hop by hop: drops the delay in front, feeds zeros behind, so files and pipes alike come
 * out aligned and as long as they went in. */
static void suppress(wav *in, wav *out, percepnet **st, FILE *taps, const char *taps_name)
{
    unsigned channels = in->channels;
    int16_t *pcm = malloc(sizeof *pcm * PERCEPNET_HOP * channels);
    uint64_t drop = (uint64_t)percepnet_delay_samples();
    size_t got = PERCEPNET_HOP;
    if (!pcm)
        die("memory", "a frame of %u channels does not fit", channels);
    while (got == PERCEPNET_HOP || out->done < in->done) {
        size_t from, count = PERCEPNET_HOP;
        got = got == PERCEPNET_HOP ? wav_read(in, pcm, PERCEPNET_HOP) : 0;
        if (got == 0 && out->done == in->done)
            break;
        memset(pcm + got * channels, 0, sizeof *pcm * (PERCEPNET_HOP - got) * channels);
        process_channels(st, channels, pcm);
        if (taps)
            write_taps(taps, taps_name, st[0]);
        from = drop < PERCEPNET_HOP ? (size_t)drop : PERCEPNET_HOP;
        drop -= from;
        count -= from;
        if (got < PERCEPNET_HOP && count > in->done - out->done)
            count = (size_t)(in->done - out->done);
        wav_write(out, pcm + from * channels, count);
    }
    free(pcm);
}

static int run_files(const options *o)
{
    percepnet *st[WAV_MAX_CHANNELS];
    FILE *taps = NULL;
    wav in, out;
    wav_open(&in, o->files[0], PERCEPNET_RATE);
    if (o->taps && in.channels != 1)
        die(in.name, "%u channels found; --taps needs one", in.channels);
    wav_create(&out, o->files[1], &in);
    for (unsigned c = 0; c < in.channels; c++)
        st[c] = new_instance(o);
    if (o->taps && !(taps = fopen(o->taps, "wb")))
        die(o->taps, "the taps cannot be written");
    suppress(&in, &out, st, taps, o->taps);
    if (taps && fclose(taps))
        die(o->taps, "the taps cannot be written");
    wav_finish(&out);
    if (in.clipped)
        fprintf(stderr, "percepnet: %s: warning: %llu samples beyond full scale (1.0) were clipped\n",
                in.name, (unsigned long long)in.clipped);
    for (unsigned c = 0; c < in.channels; c++)
        free(st[c]);
    return 0;
}

/* Stack: run frames of noise on a painted stack of their own and see how far they wrote. */
#define STACK_BYTES ((size_t)1 << 20)
#define PAINT 0xA5
static percepnet *measured;
static int measured_frames;

static void run_frames(void)
{
    static int16_t hop[PERCEPNET_HOP];
    uint32_t seed = 1;
    for (int n = 0; n < measured_frames; n++) {
        for (size_t i = 0; i < PERCEPNET_HOP; i++) {
            seed = seed * 1664525u + 1013904223u;
            hop[i] = (int16_t)((int32_t)(seed >> 16) - 32768);
        }
        percepnet_process(measured, hop, hop);
    }
}

static size_t stack_used(int frames)
{
    static ucontext_t here, there;
    unsigned char *stack = malloc(STACK_BYTES);
    size_t untouched = 0;
    if (!stack || getcontext(&there))
        die("memory", "%lu bytes for a stack are needed", (unsigned long)STACK_BYTES);
    memset(stack, PAINT, STACK_BYTES);
    there.uc_stack.ss_sp = stack;
    there.uc_stack.ss_size = STACK_BYTES;
    there.uc_link = &here;
    measured_frames = frames;
    makecontext(&there, run_frames, 0);
    swapcontext(&here, &there);
    while (untouched < STACK_BYTES && stack[untouched] == PAINT)
        untouched++;
    free(stack);
    return STACK_BYTES - untouched;
}

static int print_footprint(const options *o)
{
    unsigned long idle, used;
    measured = new_instance(o);
    idle = (unsigned long)stack_used(0);
    used = (unsigned long)stack_used(200);
    printf("{\"model\": \"%s\", \"state\": %lu, \"scratch\": %u, \"stack\": %lu}\n",
           percepnet_model_id(), (unsigned long)percepnet_state_bytes() - percepnet_scratch_bytes,
           percepnet_scratch_bytes, used - idle);
    free(measured);
    return 0;
}

int main(int argc, char **argv)
{
    options o = parse(argc, argv);
    return o.footprint ? print_footprint(&o) : run_files(&o);
}
