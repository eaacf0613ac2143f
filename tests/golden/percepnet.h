/* PercepNet: real-time noise suppression for 48 kHz speech, integers only.
 *
 * Audio: mono, 48 kHz, int16_t in -32768..32767 (not floats, not +-1). Stereo: one instance a
 * channel.
 * Delay: percepnet_process takes and gives hops of PERCEPNET_HOP samples; what goes in comes out
 * PERCEPNET_DELAY samples (30 ms) later. percepnet_feed takes any number of samples, for a delay of
 * PERCEPNET_FEED_DELAY (40 ms). Both are constant.
 * Memory: all of it belongs to the caller, PERCEPNET_STATE_BYTES aligned to PERCEPNET_STATE_ALIGN;
 * nothing is allocated, there are no globals. To end an instance, free its memory.
 * Threads: any number of instances on any threads. Calls on one instance must not overlap, setters
 * and getters included; they may come from different threads, one after the other. No function
 * blocks or calls the system.
 * Results: the same bits on every processor and compiler. */
#ifndef PERCEPNET_H
#define PERCEPNET_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#pragma GCC visibility push(default) /* the library itself is compiled with hidden symbols */
#endif
#ifdef __cplusplus
extern "C" {
#endif

#define PERCEPNET_VERSION "0.1.0"
#define PERCEPNET_MODEL_ID "toy-4a8413c90247" /* name, first 12 digits of the weights' SHA-256 */

#define PERCEPNET_RATE 48000 /* samples per second */
#define PERCEPNET_HOP 480 /* samples of a hop: 10 ms */
#define PERCEPNET_BLOCK 4 /* hops of one block at most */
#define PERCEPNET_DELAY 1440 /* samples, percepnet_process */
#define PERCEPNET_FEED_DELAY 1920 /* samples, percepnet_feed */
#define PERCEPNET_STATE_BYTES 109568 /* enough on every target */
#define PERCEPNET_STATE_ALIGN 16 /* bytes */
#define PERCEPNET_HAS_POSTFILTER 1 /* not there in a build without it */

/* what functions return when something is wrong: negative, and nothing was done */
#define PERCEPNET_OK 0
#define PERCEPNET_ERR_NULL (-1) /* a pointer is NULL */
#define PERCEPNET_ERR_RANGE (-2) /* a number is outside its range */
#define PERCEPNET_ERR_ALIGN (-3) /* the memory is not aligned to PERCEPNET_STATE_ALIGN */
#define PERCEPNET_ERR_SIZE (-4) /* the memory is smaller than percepnet_state_bytes() */

typedef struct percepnet percepnet;

/* Bytes an instance needs; at most PERCEPNET_STATE_BYTES. Any thread. */
size_t percepnet_state_bytes(void);

/* Whether percepnet_init would take this memory: PERCEPNET_OK, or PERCEPNET_ERR_NULL,
 * PERCEPNET_ERR_ALIGN or PERCEPNET_ERR_SIZE. Nothing is written. Any thread. */
int percepnet_check_memory(const void *mem, size_t bytes);

/* Make an instance in `mem`, whatever it held, with default settings and no past.
 * Returns the instance, which is `mem`; NULL where percepnet_check_memory is not PERCEPNET_OK. */
percepnet *percepnet_init(void *mem, size_t bytes);

/* Forget the past, keep the settings: what follows is as from a fresh instance.
 * PERCEPNET_OK or PERCEPNET_ERR_NULL. */
int percepnet_reset(percepnet *st);

/* Suppress noise in one hop: PERCEPNET_HOP samples, int16_t at 48 kHz, from in to out; out == in is
 * allowed, other overlaps are not. Out comes the hop of three calls ago (PERCEPNET_DELAY); before
 * that, silence. Loud output saturates at full scale, it never wraps.
 * Returns the voice activity, 0 (none) to 32767 (certain), of the 20 ms of sound that begin with
 * the hop that came out, or PERCEPNET_ERR_NULL. One thread at a time an instance. */
int percepnet_process(percepnet *st, int16_t *out, const int16_t *in);

/* The same for any number of samples: count >= 0 from in to out; out == in is allowed, other
 * overlaps are not. However a sound is cut into calls, the output is the same: that of
 * percepnet_process, another hop later (PERCEPNET_FEED_DELAY); before that, silence. Every
 * PERCEPNET_HOP samples one call does the work of a hop, the calls between only copy.
 * Returns the voice activity of the newest hop, as percepnet_process does (0 before the first),
 * PERCEPNET_ERR_NULL, or PERCEPNET_ERR_RANGE for a negative count. One thread at a time an
 * instance; use either this or percepnet_process until percepnet_reset. */
int percepnet_feed(percepnet *st, int16_t *out, const int16_t *in, int count);

/* 1 to PERCEPNET_BLOCK hops in one call: the same output as hop by hop, for less work, since most
 * weights are read once a block. in, out: hops * PERCEPNET_HOP samples; out == in is allowed.
 * voice_q15: receives the voice activity of each hop; NULL when it is of no use.
 * Returns 0, PERCEPNET_ERR_NULL, or PERCEPNET_ERR_RANGE for another number of hops. */
int percepnet_process_block(percepnet *st, int16_t *out, const int16_t *in, int hops,
                            int16_t *voice_q15);

/* Samples from a sample going in to the same sample coming out: PERCEPNET_DELAY of
 * percepnet_process, PERCEPNET_FEED_DELAY of percepnet_feed. Any thread. */
int percepnet_delay_samples(void);
int percepnet_feed_delay_samples(void);

/* Settings. Setters return PERCEPNET_OK, PERCEPNET_ERR_NULL, or PERCEPNET_ERR_RANGE, which leaves
 * the setting as it was; getters return the setting or PERCEPNET_ERR_NULL. Switches: 0 off, 1 on.
 * A setting takes effect with the next hop and survives percepnet_reset. One thread at a time an
 * instance: set from the thread that processes, or under its lock. */

/* Envelope postfilter: more suppression between words, a little less fidelity. 0 to 1, default
 * 0. */
int percepnet_set_postfilter(percepnet *st, int value);
int percepnet_postfilter(const percepnet *st);

/* Strength of the envelope postfilter, its beta in 1/1000: the larger, the quieter are frames
 * full of noise. 1 to 1000, default 20. */
int percepnet_set_postfilter_beta_permille(percepnet *st, int value);
int percepnet_postfilter_beta_permille(const percepnet *st);

/* Lets no band fall faster than 60 dB in 100 ms: less dry on headphones. 0 to 1, default 0. */
int percepnet_set_decay_floor(percepnet *st, int value);
int percepnet_decay_floor(const percepnet *st);

/* High-pass at 60 to 100 Hz that follows the talker's pitch. 0 to 1, default 0. */
int percepnet_set_highpass(percepnet *st, int value);
int percepnet_highpass(const percepnet *st);

/* Attenuation limit in dB: 0 gives the delayed input bit for bit, 20 keeps a tenth of the noise,
 * 100 is no limit. A change fades over one hop, without a click. 0 to 100, default 100. */
int percepnet_set_attenuation_limit_db(percepnet *st, int value);
int percepnet_attenuation_limit_db(const percepnet *st);

/* PERCEPNET_VERSION and PERCEPNET_MODEL_ID of the library that is linked. Any thread. */
const char *percepnet_version(void);
const char *percepnet_model_id(void);

#ifdef __cplusplus
}
#endif
#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
