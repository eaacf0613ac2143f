#define _POSIX_C_SOURCE 200809L
#include "enhance.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "job.h"
#include "message.h"
#include "taps.h"

#define LONG_FILE 60    /* seconds: progress is shown from here on */
#define VOICE_Q15 16384 /* a hop with more counts as voice in the summary */

static void write_taps(output *taps, const percepnet *st)
{
    const unsigned char *base = (const unsigned char *)st;
    for (int i = 0; i < percepnet_n_taps; i++) {
        const percepnet_tap *tap = &percepnet_taps[i];
        output_write(taps, base + tap->offset, (size_t)tap->bytes * tap->count);
    }
}

static void write_voice_head(job *j)
{
    char text[16];
    output_write(&j->vad, "time", 4);
    for (unsigned c = 1; c <= j->in.file.format.channels; c++)
        output_write(&j->vad, text, (size_t)snprintf(text, sizeof text, ",voice_%u", c));
    output_write(&j->vad, "\n", 1);
}

/* A line of the CSV for the hop that begins at sample `at` of the input. */
static void write_voice(job *j, uint64_t at)
{
    char line[32 + 8 * WAV_MAX_CHANNELS];
    int length = snprintf(line, sizeof line, "%" PRIu64 ".%02u", at / PERCEPNET_RATE,
                          (unsigned)(at % PERCEPNET_RATE / (PERCEPNET_RATE / 100)));
    for (unsigned c = 0; c < j->in.file.format.channels; c++)
        length += snprintf(line + length, sizeof line - (size_t)length, ",%.4f", j->voice_q15[c] / 32768.0);
    line[length++] = '\n';
    output_write(&j->vad, line, (size_t)length);
}

/* Runs the channels of one interleaved hop. */
static void process_channels(job *j)
{
    int16_t hop[PERCEPNET_HOP], *pcm = j->pcm;
    unsigned channels = j->in.file.format.channels;
    for (unsigned c = 0; c < channels; c++) {
        for (size_t i = 0; i < PERCEPNET_HOP; i++)
            hop[i] = pcm[i * channels + c];
        j->voice_q15[c] = percepnet_process(j->st[c], hop, hop);
        if (j->voice_q15[c] < 0)
            die("library", "percepnet_process refused a frame; please report this");
        for (size_t i = 0; i < PERCEPNET_HOP; i++)
            pcm[i * channels + c] = hop[i];
    }
    if (j->taps.name)
        write_taps(&j->taps, j->st[0]);
}

/* `call` hops went in before this one: counts and writes the voice of the hop that came out. */
static void note_voice(job *j, uint64_t call)
{
    uint64_t delay = (uint64_t)percepnet_delay_samples(), at = call * PERCEPNET_HOP;
    unsigned channels = j->in.file.format.channels;
    if (at < delay)
        return;
    for (unsigned c = 0; c < channels; c++)
        j->voiced += j->voice_q15[c] > VOICE_Q15;
    j->hops += channels;
    if (j->vad.name)
        write_voice(j, at - delay);
}

/* Streams hop by hop until the input ends or the output fails. With the delay taken out, drops as much
 * in front and feeds zeros behind; with or without, the output is as long as the input. */
static void suppress(job *j)
{
    source *in = &j->in;
    sink *out = &j->out;
    size_t channels = in->file.format.channels, got = PERCEPNET_HOP;
    uint64_t drop = j->o->compensate ? (uint64_t)percepnet_delay_samples() : 0;
    for (uint64_t call = 0; got == PERCEPNET_HOP || out->done < in->done; call++) {
        size_t from, count;
        got = got == PERCEPNET_HOP ? source_read(in, j->pcm, PERCEPNET_HOP) : 0;
        if (got == 0 && out->done == in->done)
            break;
        memset(j->pcm + got * channels, 0, sizeof *j->pcm * (PERCEPNET_HOP - got) * channels);
        process_channels(j);
        note_voice(j, call);
        from = drop < PERCEPNET_HOP ? (size_t)drop : PERCEPNET_HOP;
        drop -= from;
        count = PERCEPNET_HOP - from;
        if (got < PERCEPNET_HOP && count > in->done - out->done)
            count = (size_t)(in->done - out->done);
        if (!sink_write(out, j->pcm + from * channels, count))
            break;
        if (j->is_long)
            show_progress(in->file.name, (int)(100 * in->file.done / in->file.length));
    }
}

/* The input's name in the folder; of other kinds, which come out as WAV, with that ending. */
static const char *path_in_folder(job *j)
{
    const char *name = base_name(j->in.file.name), *dot = strrchr(name, '.');
    int stem = j->in.file.decoder && dot ? (int)(dot - name) : (int)strlen(name);
    size_t room = strlen(j->o->folder) + strlen(name) + sizeof "/.wav";
    j->path = malloc(room);
    if (!j->path)
        die(name, "out of memory");
    snprintf(j->path, room, "%s/%.*s%s", j->o->folder, stem, name, j->in.file.decoder ? ".wav" : "");
    return j->path;
}

/* What is written ends as its name says to everybody: WAV. */
static int refuse_other_names(const char *path)
{
    static const char *const others[] = {".flac", ".mp3",  ".ogg", ".oga", ".opus", ".m4a", ".aac",
                                         ".aif",  ".aiff", ".wma", ".caf", ".w64",  ".au"};
    const char *dot = strrchr(base_name(path), '.');
    for (size_t i = 0; dot && i < sizeof others / sizeof *others; i++)
        if (!strcasecmp(dot, others[i]))
            return refuse(path, "another kind of file found in the name of an output; only WAV is written");
    return 1;
}

/* Opens all outputs. 0: refused, and none was touched. */
static int open_outputs(job *j, const char *sound)
{
    output *all[] = {&j->out.file.to, &j->vad, &j->taps};
    const char *names[] = {sound, j->o->vad, j->o->taps};
    int right = refuse_other_names(sound);
    for (int i = 0; i < 3 && right; i++) {
        if (!names[i])
            continue;
        right = output_open(all[i], names[i]);
        if (right && all[i]->completes && same_file(fileno(j->in.file.file), all[i]->file))
            right = refuse(names[i], "the output would overwrite the input; another name is needed");
        for (int k = 0; k < i && right; k++)
            if (all[k]->name && same_file(all[k]->file, all[i]->file))
                right = refuse(names[i], "the same file as %s; every output needs its own", names[k]);
    }
    for (int i = 0; i < 3; i++)
        right ? output_begin(all[i]) : output_abandon(all[i]);
    return right;
}

static int begin(job *j, const char *input, const char *output_name)
{
    const options *o = j->o;
    const wav_in *in = &j->in.file;
    if (!source_open(&j->in, input, o->decoder, o->resample))
        return 0;
    if (o->taps && in->format.channels != 1)
        return refuse(in->name, "%u channels found; --taps needs one", in->format.channels);
    for (unsigned c = 0; c < in->format.channels; c++)
        j->st[c] = new_instance(o);
    j->pcm = malloc(sizeof *j->pcm * PERCEPNET_HOP * in->format.channels);
    if (!j->pcm)
        die("memory", "a frame of %u channels does not fit", in->format.channels);
    if (!open_outputs(j, output_name ? output_name : path_in_folder(j)))
        return 0;
    sink_begin(&j->out, &j->in);
    if (j->vad.name)
        write_voice_head(j);
    j->is_long =
        in->length != WAV_UNKNOWN && in->length / LONG_FILE >= in->format.rate && isatty(STDERR_FILENO);
    return 1;
}

static void release(job *j)
{
    for (unsigned c = 0; c < WAV_MAX_CHANNELS; c++)
        free(j->st[c]);
    source_close(&j->in);
    free(j->pcm);
    free(j->path);
}

int enhance(const options *o, const char *input, const char *output_name)
{
    static const job none;
    clock_t start = clock();
    job j = none;
    int done = 0;
    j.o = o;
    if (begin(&j, input, output_name)) {
        suppress(&j);
        sink_finish(&j.out, &j.in);
        output_close(&j.vad);
        output_close(&j.taps);
        output_close(&j.out.file.to);
        done = report_end(&j);
        report_summary(&j, (double)(clock() - start) / CLOCKS_PER_SEC);
    }
    release(&j);
    return done;
}

const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}
