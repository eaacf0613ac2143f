/* percepnet [options] IN.wav OUT.wav: the library on whole files and pipes. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enhance.h"
#include "footprint.h"
#include "message.h"
#include "stop.h"

/* Whoever starts us with a standard stream closed must not find its words in the next file opened. */
static void open_standard_streams(void)
{
    for (int i = 0; i < 3; i++)
        if (fcntl(i, F_GETFD) < 0)
            open("/dev/null", i ? O_RDONLY : O_WRONLY); /* the other way round: using it fails */
}

static size_t stem(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && dot > name ? (size_t)(dot - name) : strlen(name);
}

/* Outputs in one folder: of other kinds than WAV the ending changes, so that it does not count. */
static void refuse_equal_names(const options *o)
{
    for (int i = 0; i < o->n_inputs; i++) {
        const char *name = base_name(o->inputs[i]);
        if (!strcmp(o->inputs[i], "-"))
            die("-o", "standard input found among the inputs; it has no name for an output");
        for (int k = 0; k < i; k++) {
            const char *other = base_name(o->inputs[k]);
            if (stem(name) == stem(other) && !strncmp(name, other, stem(name)))
                die(o->inputs[i], "%s has the same name; outputs in one folder need different ones",
                    o->inputs[k]);
        }
    }
}

static void need_folder(const char *name)
{
    struct stat info;
    if (stat(name, &info))
        die(name, "%s; -o needs an existing folder", strerror(errno));
    if (!S_ISDIR(info.st_mode))
        die(name, "a file found; -o needs a folder");
}

/* One that cannot be done does not keep the others from it. */
static int enhance_into_folder(const options *o)
{
    char missed[4096] = "";
    int n_missed = 0, i = 0;
    refuse_equal_names(o);
    need_folder(o->folder);
    for (; i < o->n_inputs && !stop_signal(); i++) {
        size_t used = strlen(missed);
        if (enhance(o, o->inputs[i], NULL))
            continue;
        snprintf(missed + used, sizeof missed - used, "%s%s", n_missed ? ", " : "", o->inputs[i]);
        n_missed++;
    }
    if (i < o->n_inputs)
        say("-o", "%d of %d files were not begun, from %s on", o->n_inputs - i, o->n_inputs, o->inputs[i]);
    if (n_missed && o->n_inputs > 1)
        say("-o", "%d of %d files are not done: %s", n_missed, o->n_inputs, missed);
    return n_missed ? 1 : 0;
}

int main(int argc, char **argv)
{
    int status = 0;
    open_standard_streams();
    options o = parse_options(argc, argv);
    stop_on_signals();
    if (o.footprint)
        print_footprint(&o);
    else if (o.folder)
        status = enhance_into_folder(&o);
    else
        status = enhance(&o, o.inputs[0], o.output) ? 0 : 2;
    status = finish_printing(status);
    return stop_signal() ? 128 + stop_signal() : status;
}
