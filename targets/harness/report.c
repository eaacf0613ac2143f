#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "job.h"
#include "message.h"
#include "stop.h"

static int is_complete(const job *j)
{
    return !j->in.file.cut && !j->in.file.problem[0] && !j->out.file.to.failed && !stop_signal();
}

/* Where standard output carries sound, voice activity or taps, the summary goes to standard error. */
static void print_summary(const job *j, double cpu_seconds)
{
    const output *all[] = {&j->out.file.to, &j->vad, &j->taps};
    const wav_in *in = &j->in.file;
    FILE *to = stdout;
    for (int i = 0; i < 3; i++)
        if (all[i]->name && all[i]->file == STDOUT_FILENO)
            to = stderr;
    fputs("{\"input\": ", to);
    print_quoted(to, in->name);
    fputs(", \"output\": ", to);
    print_quoted(to, j->out.file.to.name);
    fprintf(to, ", \"complete\": %s, \"rate\": %" PRIu32 ", \"channels\": %u, \"samples\": %" PRIu64,
            is_complete(j) ? "true" : "false", in->format.rate, in->format.channels, in->done);
    fprintf(to, ", \"delay\": %.9g, \"clipped\": %" PRIu64 ", \"voice\": %.4f, \"cpu_seconds\": %.3f",
            j->o->compensate ? 0 : (double)percepnet_delay_samples() * in->format.rate / PERCEPNET_RATE,
            in->clipped, j->hops ? (double)j->voiced / (double)j->hops : 0.0, cpu_seconds);
    fprintf(to, ", \"version\": \"%s\", \"model\": \"%s\"}\n", percepnet_version(), percepnet_model_id());
}

void report_summary(const job *j, double cpu_seconds)
{
    const wav_in *in = &j->in.file;
    if (in->clipped)
        say(in->name, "warning: %" PRIu64 " samples beyond full scale (1.0) were clipped", in->clipped);
    if (j->o->verbose)
        say(in->name, "-> %s: %.2f s of sound, %u channel%s, %.2f s of computing, %s", j->out.file.to.name,
            (double)in->done / in->format.rate, in->format.channels, in->format.channels == 1 ? "" : "s",
            cpu_seconds, percepnet_model_id());
    if (j->o->json)
        print_summary(j, cpu_seconds);
}

int report_end(const job *j)
{
    const wav_in *in = &j->in.file;
    const output *out = &j->out.file.to, *others[] = {&j->vad, &j->taps};
    double seconds = (double)(out->failed ? 0 : in->done) / in->format.rate;
    int all = 1;
    if (out->failed) {
        size_t block = in->format.channels * in->format.bytes;
        if (out->written > j->out.file.header)
            seconds = (double)((out->written - j->out.file.header) / block) / in->format.rate;
        all = refuse(out->name, "cannot be written: %s; it holds the first %.2f s of %s",
                     strerror(out->failed), seconds, in->name);
    } else if (in->problem[0]) {
        all = refuse(in->name, "%s; %s holds the %.2f s before it", in->problem, out->name, seconds);
    } else if (stop_signal()) {
        all = refuse(in->name, "stopped by signal %d (%s); %s holds the first %.2f s", stop_signal(),
                     strsignal(stop_signal()), out->name, seconds);
    }
    for (int i = 0; i < 2; i++)
        if (others[i]->failed)
            all = refuse(others[i]->name, "cannot be written: %s", strerror(others[i]->failed));
    return all;
}
