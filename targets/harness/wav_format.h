/* What the "fmt " chunk of a WAV file says, and samples as the file holds them.
 *
 * Integers of 8, 16, 24 and 32 bits and floats of 32 and 64. Samples are handed over as int16_t: wider
 * ones are rounded to nearest and saturated, and come back with zeros below their 16 bits. */
#ifndef WAV_FORMAT_H
#define WAV_FORMAT_H

#include <stdint.h>

#define WAV_MAX_CHANNELS 64
#define WAV_MAX_BYTES 8 /* of a sample */
#define WAV_NEEDED "WAV of integers of 8 to 32 bits or floats is needed"

typedef struct {
    unsigned char chunk[40]; /* as it stands in the input; the output repeats it */
    uint32_t chunk_bytes;
    uint32_t rate; /* Hz */
    unsigned channels, bytes; /* of a sample */
    int is_float;
    char other[48]; /* what it is instead, where it is not read; "" */
} wav_format;

/* Takes the chunk apart. 0: refused, or of another encoding, which `other` names. */
int format_parse(wav_format *format, const char *name);

/* The sample at `p`. NaN and infinity are not samples: 0 is returned and `*problem` names them. One
 * beyond +-1 counts as clipped. */
int16_t format_decode(const wav_format *format, const unsigned char *p, uint64_t *clipped,
                      const char **problem);

void format_encode(const wav_format *format, unsigned char *p, int16_t sample);

/* The kind of file that begins so, big-endian WAV among them; NULL: none that we know. */
const char *format_of_other_file(const unsigned char *head, unsigned bytes);

/* Little-endian integers of up to 8 bytes. */
uint64_t get_le(const unsigned char *p, unsigned bytes);
void put_le(unsigned char *p, uint64_t value, unsigned bytes);

#endif
