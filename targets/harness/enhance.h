/* One file through the library. */
#ifndef ENHANCE_H
#define ENHANCE_H

#include "options.h"

void enhance(const options *o, const char *input, const char *output);

#endif
