/* PercepNet: real-time noise suppression for 48 kHz speech, integers only.
 *
 * Audio: mono, 48 kHz, int16_t in -32768..32767 (not floats, not +-1), PERCEPNET_HOP samples a
 * call. Stereo: one instance a channel.
 * Delay: what goes in comes out PERCEPNET_DELAY samples (30 ms) later, on top of the hop itself.
 * Memory: all of it belongs to the caller, PERCEPNET_STATE_BYTES aligned to 16; nothing is
 * allocated, there are no globals. Any number of instances; one thread at a time an instance.
 * Results: the same bits on every processor and compiler. */
#ifndef PERCEPNET_H
#define PERCEPNET_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PERCEPNET_RATE 48000 /* samples per second */
#define PERCEPNET_HOP 480 /* samples per call */
#define PERCEPNET_DELAY 1440 /* samples */
#define PERCEPNET_STATE_BYTES 71424 /* enough on every target */

/* what functions return when something is wrong */
#define PERCEPNET_OK 0
#define PERCEPNET_ERR_NULL (-1) /* a pointer is NULL */
#define PERCEPNET_ERR_RANGE (-2) /* an argument is outside its range */

typedef struct percepnet percepnet;

/* Bytes an instance needs; at most PERCEPNET_STATE_BYTES. */
size_t percepnet_state_bytes(void);

/* Make an instance in `mem`, with default settings and cleared history.
 * Returns NULL if mem is NULL, not aligned to 16 bytes, or bytes < percepnet_state_bytes(). */
percepnet *percepnet_init(void *mem, size_t bytes);

/* Forget the past, keep the settings. 0, or PERCEPNET_ERR_NULL. */
int percepnet_reset(percepnet *st);

/* Suppress noise in one hop: PERCEPNET_HOP samples from in to out; out == in is allowed.
 * Returns voice activity, 0 (none) to 32767 (certain), or PERCEPNET_ERR_NULL. */
int percepnet_process(percepnet *st, int16_t *out, const int16_t *in);

/* Samples from a sample going in to the same sample coming out: PERCEPNET_DELAY. */
int percepnet_delay_samples(void);

/* Settings, 0 = off, 1 = on. Setters return 0, PERCEPNET_ERR_NULL, or PERCEPNET_ERR_RANGE for any
 * other value; getters return the setting or PERCEPNET_ERR_NULL. They take effect with the next
 * hop and survive percepnet_reset. */

/* Envelope postfilter: more suppression between words, a little less fidelity. Default 1. */
int percepnet_set_postfilter(percepnet *st, int on);
int percepnet_postfilter(const percepnet *st);

/* Lets no band fall faster than 60 dB in 100 ms: less dry on headphones. Default 0. */
int percepnet_set_decay_floor(percepnet *st, int on);
int percepnet_decay_floor(const percepnet *st);

/* High-pass at 60 to 100 Hz that follows the talker's pitch. Default 0. */
int percepnet_set_highpass(percepnet *st, int on);
int percepnet_highpass(const percepnet *st);

/* "0.1.0" */
const char *percepnet_version(void);

/* Name of the model and the first 12 digits of the SHA-256 of its weights. */
const char *percepnet_model_id(void);

#ifdef __cplusplus
}
#endif

#endif
