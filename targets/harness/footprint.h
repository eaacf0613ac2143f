/* Memory that an instance takes. */
#ifndef FOOTPRINT_H
#define FOOTPRINT_H

#include "options.h"

/* Prints bytes of state, scratch and stack as a line of JSON. */
void print_footprint(const options *o);

#endif
