/* One file on its way through the library, and what is said of it. */
#ifndef JOB_H
#define JOB_H

#include "options.h"
#include "stream.h"

typedef struct {
    const options *o;
    source in;
    sink out;
    output taps, vad;
    char *path;   /* of the output in a folder */
    int16_t *pcm; /* a hop of every channel */
    percepnet *st[WAV_MAX_CHANNELS];
    int voice_q15[WAV_MAX_CHANNELS]; /* of the hop that came out last */
    uint64_t hops, voiced;           /* hops that came out, and those with voice; all channels */
    int is_long;                     /* progress is shown */
} job;

/* Says why the output is not all that was asked for, and what it holds. 1: it is all. */
int report_end(const job *j);

/* Warnings, and what -v and --json ask for. */
void report_summary(const job *j, double cpu_seconds);

#endif
