/* What LADSPA and LV2 have in common: ports by number, blocks of any length.
 *
 * Ports of a plug-in of C channels: 0 ... C-1 sound in, C ... 2C-1 sound out, then the settings in the
 * order of plugin_settings, then latency in samples and voice activity 0 ... 1, which are given. Each
 * channel has a suppressor of its own. */
#ifndef PLUGIN_H
#define PLUGIN_H

#include <stdint.h>

#include "settings.h"

#define PLUGIN_MAX_CHANNELS 2
#define PLUGIN_PORTS(channels) (2 * (channels) + PLUGIN_SETTINGS + 2)

typedef struct plugin plugin;

/* NULL: a rate outside 8 to 192 kHz, or no memory. */
plugin *plugin_new(uint32_t rate, unsigned channels);
void plugin_free(plugin *p);
void plugin_connect(plugin *p, unsigned long port, float *data);

/* Forgets the past. */
void plugin_activate(plugin *p);

/* `count` samples a channel; sound may be in place. Neither allocates nor waits. */
void plugin_run(plugin *p, unsigned long count);

#endif
