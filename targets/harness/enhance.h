/* One file through the library. */
#ifndef ENHANCE_H
#define ENHANCE_H

#include "options.h"

/* `output`: a file name or "-"; NULL: the input's name in the folder of the options. 0: something went
 * wrong, which standard error says; what was done until then is in the output. */
int enhance(const options *o, const char *input, const char *output);

/* What follows the last slash. */
const char *base_name(const char *path);

#endif
