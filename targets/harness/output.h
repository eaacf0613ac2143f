/* Files of the command: written whole or not at all, and never over its input. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdio.h>

typedef struct {
    FILE *file;
    const char *name;
    char *temporary; /* the file that output_close renames; NULL for a stream or a device */
} output;

/* Opens `name` ("-": standard output) for writing; it must not be the file that is read from. */
void output_open(output *out, const char *name, FILE *input);

/* Ends the file and gives it its name. */
void output_close(output *out);

/* Removes unfinished files, says why on standard error and exits with 2. */
#if defined(__GNUC__)
__attribute__((noreturn, format(printf, 2, 3)))
#endif
void die(const char *name, const char *format, ...);

#endif
