/* Files of other kinds as WAV, by a program of the user's. */
#ifndef DECODER_H
#define DECODER_H

#include <stdio.h>
#include <sys/types.h>

/* Runs `command` by sh with $1 = `name`; what it writes can be read. NULL: it could not be started. */
FILE *decoder_start(const char *command, const char *name, pid_t *process);

/* Waits for its end: its exit status, 128 + n for signal n. */
int decoder_end(pid_t process);

#endif
