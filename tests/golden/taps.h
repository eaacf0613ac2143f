/* Where each stage's signal lies in an instance: for tests and the command, not in the library. */
#ifndef PERCEPNET_TAPS_H
#define PERCEPNET_TAPS_H

typedef struct {
    const char *name;
    unsigned offset, count, bytes; /* from the instance pointer; elements; bytes an element */
} percepnet_tap;

extern const percepnet_tap percepnet_taps[];
extern const int percepnet_n_taps;
extern const unsigned percepnet_scratch_bytes; /* share of an instance that no call leaves behind */

#endif
