/* The command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "percepnet.h"

typedef struct {
    int (*set)(percepnet *, int);
    int value;
    const char *name, *text, *needed; /* for the message when the library refuses the value */
} setting;

#define MAX_SETTINGS 5

typedef struct {
    char **inputs;
    int n_inputs;
    const char *output, *folder; /* one of them, the other NULL */
    const char *taps, *vad;      /* NULL: not wanted */
    const char *decoder;         /* of files that are no WAV; NULL: none */
    int compensate;              /* take the delay out */
    int resample;                /* take other rates than 48 kHz */
    int footprint, json, verbose;
    setting settings[MAX_SETTINGS];
    int n_settings;
} options;

/* What the command line says; anything wrong ends the program. -h and -V print and end it. */
options parse_options(int argc, char **argv);

/* An instance with the settings of the command line, to be freed with free(). */
percepnet *new_instance(const options *o);

#endif
