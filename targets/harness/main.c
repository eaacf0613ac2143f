/* percepnet [options] IN.wav OUT.wav: the library on whole files and pipes. */
#include <stdlib.h>
#include <string.h>

#include "enhance.h"
#include "footprint.h"
#include "output.h"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void refuse_equal_names(const options *o)
{
    for (int i = 0; i < o->n_inputs; i++) {
        if (!strcmp(o->inputs[i], "-"))
            die("-o", "standard input found among the inputs; it has no name for an output");
        for (int j = 0; j < i; j++)
            if (!strcmp(base_name(o->inputs[i]), base_name(o->inputs[j])))
                die(o->inputs[i], "%s has the same name; outputs in one folder need different ones",
                    o->inputs[j]);
    }
}

static void enhance_into_folder(const options *o)
{
    refuse_equal_names(o);
    for (int i = 0; i < o->n_inputs; i++) {
        const char *name = base_name(o->inputs[i]);
        char *path = malloc(strlen(o->folder) + strlen(name) + 2);
        if (!path)
            die(name, "out of memory");
        strcpy(path, o->folder);
        strcat(path, "/");
        strcat(path, name);
        enhance(o, o->inputs[i], path);
        free(path);
    }
}

int main(int argc, char **argv)
{
    options o = parse_options(argc, argv);
    if (o.footprint)
        print_footprint(&o);
    else if (o.folder)
        enhance_into_folder(&o);
    else
        enhance(&o, o.inputs[0], o.output);
    return 0;
}
