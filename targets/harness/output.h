/* Files, pipes and devices that the command writes: in place, so that a link stays a link, a file keeps
 * its permissions, and what was written is there whatever ends the program. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *name; /* NULL: not wanted, and every call does nothing */
    int file;
    int completes; /* a regular file, of which the front can be written again */
    int created;   /* it was not there before */
    int64_t start; /* where in the file we began */
    uint64_t written;
    int failed; /* errno of the write that failed; nothing is written after it */
} output;

/* Opens `name` ("-": standard output) and touches nothing yet. 0: refused. */
int output_open(output *out, const char *name);

/* Whether two descriptors are one file or pipe; terminals and devices may be shared. */
int same_file(int a, int b);

/* Throws away what an older file held. */
void output_begin(output *out);

/* 0: it failed, now or before. */
int output_write(output *out, const void *data, size_t bytes);

/* Writes over what stands `at` bytes behind the start. */
void output_rewrite(output *out, uint64_t at, const void *data, size_t bytes);

/* Drops what stands behind the first `bytes`. */
void output_cut(output *out, uint64_t bytes);

/* Hands everything to the disk. 0: something failed. */
int output_close(output *out);

/* Closes a file that nothing was written to, and removes it if it was not there before. */
void output_abandon(output *out);

#endif
