#define _POSIX_C_SOURCE 200809L
#include "enhance.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "stream.h"
#include "taps.h"

#define LONG_FILE 60    /* seconds: progress is shown from here on */
#define VOICE_Q15 16384 /* a hop with more counts as voice in the summary */

typedef struct {
    const options *o;
    source in;
    sink out;
    output taps, vad;
    percepnet *st[WAV_MAX_CHANNELS];
    int voice_q15[WAV_MAX_CHANNELS]; /* of the hop that came out last */
    uint64_t hops, voiced;           /* hops that came out, and those with voice; all channels */
    int percent;                     /* shown last; -1: not shown */
} job;

static void write_taps(const output *taps, const percepnet *st)
{
    const unsigned char *base = (const unsigned char *)st;
    for (int i = 0; i < percepnet_n_taps; i++) {
        const percepnet_tap *tap = &percepnet_taps[i];
        fwrite(base + tap->offset, tap->bytes, tap->count, taps->file);
    }
}

/* A line of the CSV for the hop that begins at sample `at` of the input. */
static void write_voice(const job *j, uint64_t at)
{
    fprintf(j->vad.file, "%" PRIu64 ".%02u", at / PERCEPNET_RATE,
            (unsigned)(at % PERCEPNET_RATE / (PERCEPNET_RATE / 100)));
    for (unsigned c = 0; c < j->in.file.channels; c++)
        fprintf(j->vad.file, ",%.4f", j->voice_q15[c] / 32768.0);
    fputc('\n', j->vad.file);
}

/* Runs the channels of one interleaved hop. */
static void process_channels(job *j, int16_t *pcm)
{
    int16_t hop[PERCEPNET_HOP];
    unsigned channels = j->in.file.channels;
    for (unsigned c = 0; c < channels; c++) {
        for (size_t i = 0; i < PERCEPNET_HOP; i++)
            hop[i] = pcm[i * channels + c];
        j->voice_q15[c] = percepnet_process(j->st[c], hop, hop);
        if (j->voice_q15[c] < 0)
            die("library", "percepnet_process refused a frame; please report this");
        for (size_t i = 0; i < PERCEPNET_HOP; i++)
            pcm[i * channels + c] = hop[i];
    }
    if (j->taps.file)
        write_taps(&j->taps, j->st[0]);
}

/* `call` hops went in before this one: counts and writes the voice of the hop that came out. */
static void note_voice(job *j, uint64_t call)
{
    uint64_t delay = (uint64_t)percepnet_delay_samples(), at = call * PERCEPNET_HOP - delay;
    if (call * PERCEPNET_HOP < delay || at >= j->in.done)
        return;
    for (unsigned c = 0; c < j->in.file.channels; c++)
        j->voiced += j->voice_q15[c] > VOICE_Q15;
    j->hops += j->in.file.channels;
    if (j->vad.file)
        write_voice(j, at);
}

static void show_progress(job *j)
{
    int percent = (int)(100 * j->in.file.done / j->in.file.length);
    if (percent == j->percent)
        return;
    j->percent = percent;
    fprintf(stderr, "\rpercepnet: %s: %d %%%s", j->in.file.name, percent, percent == 100 ? "\n" : "");
}

/* Streams hop by hop. With the delay taken out, drops as much in front and feeds zeros behind; with
 * or without, the output is as long as the input. */
static void suppress(job *j)
{
    source *in = &j->in;
    sink *out = &j->out;
    size_t channels = in->file.channels;
    int16_t *pcm = malloc(sizeof *pcm * PERCEPNET_HOP * channels);
    uint64_t drop = j->o->compensate ? (uint64_t)percepnet_delay_samples() : 0;
    size_t got = PERCEPNET_HOP;
    if (!pcm)
        die("memory", "a frame of %u channels does not fit", in->file.channels);
    for (uint64_t call = 0; got == PERCEPNET_HOP || out->done < in->done; call++) {
        size_t from, count = PERCEPNET_HOP;
        got = got == PERCEPNET_HOP ? source_read(in, pcm, PERCEPNET_HOP) : 0;
        if (got == 0 && out->done == in->done)
            break;
        memset(pcm + got * channels, 0, sizeof *pcm * (PERCEPNET_HOP - got) * channels);
        process_channels(j, pcm);
        note_voice(j, call);
        from = drop < PERCEPNET_HOP ? (size_t)drop : PERCEPNET_HOP;
        drop -= from;
        count -= from;
        if (got < PERCEPNET_HOP && count > in->done - out->done)
            count = (size_t)(in->done - out->done);
        sink_write(out, pcm + from * channels, count);
        if (out->file.file == stdout)
            fflush(stdout); /* a listener waits for this hop */
        if (j->percent >= 0)
            show_progress(j);
    }
    free(pcm);
}

static void print_quoted(FILE *to, const char *text)
{
    fputc('"', to);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', to);
        if ((unsigned char)*text < ' ')
            fprintf(to, "\\u%04x", (unsigned)*text);
        else
            fputc(*text, to);
    }
    fputc('"', to);
}

/* Where standard output carries sound or voice activity, the summary goes to standard error. */
static void print_summary(const job *j, double cpu_seconds)
{
    int taken = j->out.file.file == stdout || j->vad.file == stdout;
    FILE *to = taken ? stderr : stdout;
    const wav *in = &j->in.file;
    fputs("{\"input\": ", to);
    print_quoted(to, in->name);
    fputs(", \"output\": ", to);
    print_quoted(to, j->out.file.name);
    fprintf(to, ", \"rate\": %" PRIu32 ", \"channels\": %u, \"samples\": %" PRIu64 ", \"delay\": %.9g",
            in->rate, in->channels, in->done,
            j->o->compensate ? 0 : (double)percepnet_delay_samples() * in->rate / PERCEPNET_RATE);
    fprintf(to, ", \"clipped\": %" PRIu64 ", \"voice\": %.4f, \"cpu_seconds\": %.3f", in->clipped,
            j->hops ? (double)j->voiced / (double)j->hops : 0.0, cpu_seconds);
    fprintf(to, ", \"version\": \"%s\", \"model\": \"%s\"}\n", percepnet_version(),
            percepnet_model_id());
}

static void report(const job *j, double cpu_seconds)
{
    const wav *in = &j->in.file;
    if (in->clipped)
        fprintf(stderr, "percepnet: %s: warning: %" PRIu64 " samples beyond full scale (1.0) were clipped\n",
                in->name, in->clipped);
    if (j->o->verbose)
        fprintf(stderr, "percepnet: %s -> %s: %.2f s of sound, %u channel%s, %.2f s of computing, %s\n",
                in->name, j->out.file.name, (double)in->done / in->rate, in->channels,
                in->channels == 1 ? "" : "s", cpu_seconds, percepnet_model_id());
    if (j->o->json)
        print_summary(j, cpu_seconds);
}

static void begin(job *j, const options *o, const char *input, const char *output_name)
{
    const wav *in = &j->in.file;
    memset(j, 0, sizeof *j);
    j->o = o;
    source_open(&j->in, input, o->resample);
    if (o->taps && in->channels != 1)
        die(in->name, "%u channels found; --taps needs one", in->channels);
    for (unsigned c = 0; c < in->channels; c++)
        j->st[c] = new_instance(o);
    sink_create(&j->out, output_name, &j->in);
    if (o->taps)
        output_open(&j->taps, o->taps, in->file);
    if (o->vad) {
        output_open(&j->vad, o->vad, in->file);
        fputs("time", j->vad.file);
        for (unsigned c = 1; c <= in->channels; c++)
            fprintf(j->vad.file, ",voice_%u", c);
        fputc('\n', j->vad.file);
    }
    int is_long = in->length != WAV_UNKNOWN && in->length / LONG_FILE >= in->rate;
    j->percent = is_long && isatty(STDERR_FILENO) ? 0 : -1;
}

void enhance(const options *o, const char *input, const char *output_name)
{
    job j;
    clock_t start = clock();
    begin(&j, o, input, output_name);
    suppress(&j);
    sink_finish(&j.out, j.in.file.done);
    if (j.taps.file)
        output_close(&j.taps);
    if (j.vad.file)
        output_close(&j.vad);
    report(&j, (double)(clock() - start) / CLOCKS_PER_SEC);
    for (unsigned c = 0; c < j.in.file.channels; c++)
        free(j.st[c]);
    source_close(&j.in);
}
