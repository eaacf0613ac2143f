#define _XOPEN_SOURCE 700
#define _FILE_OFFSET_BITS 64
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message.h"
#include "stop.h"

static int same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && !S_ISCHR(a->st_mode);
}

int same_file(int a, int b)
{
    struct stat x, y;
    return a == b || (!fstat(a, &x) && !fstat(b, &y) && same(&x, &y));
}

/* /dev/stdout is standard output too: opened a second time it would begin at the front. */
static int is_standard_output(const char *name)
{
    struct stat x, y;
    return !strcmp(name, "-") || (!stat(name, &x) && !fstat(STDOUT_FILENO, &y) && same(&x, &y));
}

int output_open(output *out, const char *name)
{
    struct stat info;
    memset(out, 0, sizeof *out);
    out->file = STDOUT_FILENO;
    out->name = "standard output";
    if (!is_standard_output(name)) {
        out->name = name;
        out->file = open(name, O_WRONLY | O_CLOEXEC);
        out->created = out->file < 0 && errno == ENOENT;
        if (out->created)
            out->file = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    }
    if (out->file < 0 || fstat(out->file, &info)) {
        int is_folder = errno == EISDIR;
        refuse(name, "cannot be written: %s; %s is needed", strerror(errno),
               is_folder ? "the name of a file" : "an existing folder that you may write to");
        out->name = NULL;
        return 0;
    }
    out->completes = S_ISREG(info.st_mode) && !(fcntl(out->file, F_GETFL) & O_APPEND);
    out->start = out->completes ? lseek(out->file, 0, SEEK_CUR) : 0;
    return 1;
}

void output_begin(output *out)
{
    if (out->name && out->completes && out->file != STDOUT_FILENO && ftruncate(out->file, 0))
        out->failed = errno;
}

int output_write(output *out, const void *data, size_t bytes)
{
    const char *p = data;
    while (out->name && bytes > 0 && !out->failed) {
        ssize_t done = write(out->file, p, bytes);
        if (done >= 0) {
            p += done;
            bytes -= (size_t)done;
            out->written += (uint64_t)done;
        } else if (errno != EINTR || stop_insists()) {
            out->failed = errno;
        }
    }
    return !out->failed;
}

void output_rewrite(output *out, uint64_t at, const void *data, size_t bytes)
{
    if (pwrite(out->file, data, bytes, (off_t)(out->start + (int64_t)at)) != (ssize_t)bytes)
        out->failed = errno;
}

void output_cut(output *out, uint64_t bytes)
{
    if (out->written <= bytes)
        return;
    if (ftruncate(out->file, (off_t)(out->start + (int64_t)bytes)))
        out->failed = errno;
    out->written = bytes;
}

int output_close(output *out)
{
    if (!out->name)
        return 1;
    if (out->completes && fsync(out->file) && !out->failed)
        out->failed = errno;
    if (out->file != STDOUT_FILENO && close(out->file) && !out->failed)
        out->failed = errno;
    return !out->failed;
}

void output_abandon(output *out)
{
    char *path = out->name && out->created ? realpath(out->name, NULL) : NULL;
    if (path)
        unlink(path); /* what a link points to, not the link */
    free(path);
    if (out->name && out->file != STDOUT_FILENO)
        close(out->file);
    out->name = NULL;
}
