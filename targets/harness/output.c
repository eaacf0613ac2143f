#define _POSIX_C_SOURCE 200809L
#include "output.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_OPEN 4
static const char *volatile unfinished[MAX_OPEN]; /* to remove when we do not finish */

static void remove_unfinished(void)
{
    for (int i = 0; i < MAX_OPEN; i++)
        if (unfinished[i])
            unlink(unfinished[i]);
}

void die(const char *name, const char *format, ...)
{
    va_list arguments;
    remove_unfinished();
    fprintf(stderr, "percepnet: %s: ", name);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(2);
}

static void on_signal(int number)
{
    remove_unfinished();
    _exit(128 + number);
}

/* The slot that holds `temporary`; with NULL a free one. */
static int find_slot(const char *temporary)
{
    int i = 0;
    while (i < MAX_OPEN - 1 && unfinished[i] != temporary)
        i++;
    return i;
}

/* A temporary file beside the one wanted, with the permissions that fopen would have given. */
static void open_temporary(output *out)
{
    mode_t mask = umask(0);
    int descriptor;
    umask(mask);
    out->temporary = malloc(strlen(out->name) + 8);
    if (!out->temporary)
        die(out->name, "out of memory");
    strcpy(out->temporary, out->name);
    strcat(out->temporary, ".XXXXXX");
    descriptor = mkstemp(out->temporary);
    if (descriptor < 0)
        die(out->name, "cannot be written: %s; an existing folder that you may write to is needed",
            strerror(errno));
    unfinished[find_slot(NULL)] = out->temporary;
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    signal(SIGHUP, on_signal);
    out->file = fchmod(descriptor, 0666 & ~mask) ? NULL : fdopen(descriptor, "wb");
}

void output_open(output *out, const char *name, FILE *input)
{
    struct stat from, to;
    int exists = strcmp(name, "-") && !stat(name, &to);
    out->name = strcmp(name, "-") ? name : "standard output";
    out->temporary = NULL;
    if (exists && S_ISDIR(to.st_mode))
        die(name, "a folder found; the name of a file is needed");
    if (exists && !fstat(fileno(input), &from) && from.st_dev == to.st_dev && from.st_ino == to.st_ino)
        die(name, "the output would overwrite the input; another name is needed");
    if (!strcmp(name, "-"))
        out->file = stdout;
    else if (exists && !S_ISREG(to.st_mode))
        out->file = fopen(name, "wb"); /* a device or a pipe: nothing to rename */
    else
        open_temporary(out);
    if (!out->file)
        die(name, "cannot be written: %s", strerror(errno));
}

void output_close(output *out)
{
    int failed = ferror(out->file);
    if ((out->file == stdout ? fflush(stdout) : fclose(out->file)) || failed)
        die(out->name, "cannot be written: %s", strerror(errno));
    if (!out->temporary)
        return;
    if (rename(out->temporary, out->name))
        die(out->name, "cannot be written: %s", strerror(errno));
    unfinished[find_slot(out->temporary)] = NULL;
    free(out->temporary);
}
