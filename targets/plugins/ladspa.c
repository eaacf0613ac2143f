/* LADSPA: percepnet_mono and percepnet_stereo. */
#include <ladspa.h>
#include <stddef.h>

#include "plugin.h"

#define FIRST_ID 5262897 /* not registered; labels are what hosts ask for */
#define VISIBLE __attribute__((visibility("default")))

static LADSPA_Handle instantiate_mono(const LADSPA_Descriptor *d, unsigned long rate)
{
    (void)d;
    return plugin_new((uint32_t)rate, 1);
}

static LADSPA_Handle instantiate_stereo(const LADSPA_Descriptor *d, unsigned long rate)
{
    (void)d;
    return plugin_new((uint32_t)rate, 2);
}

static void connect_port(LADSPA_Handle p, unsigned long port, LADSPA_Data *data)
{
    plugin_connect(p, port, data);
}

static void activate(LADSPA_Handle p)
{
    plugin_activate(p);
}

static void run(LADSPA_Handle p, unsigned long count)
{
    plugin_run(p, count);
}

static void cleanup(LADSPA_Handle p)
{
    plugin_free(p);
}

#define SOUND_IN (LADSPA_PORT_INPUT | LADSPA_PORT_AUDIO)
#define SOUND_OUT (LADSPA_PORT_OUTPUT | LADSPA_PORT_AUDIO)
#define CONTROL (LADSPA_PORT_INPUT | LADSPA_PORT_CONTROL)
#define GIVEN (LADSPA_PORT_OUTPUT | LADSPA_PORT_CONTROL)
#define BOUNDED (LADSPA_HINT_BOUNDED_BELOW | LADSPA_HINT_BOUNDED_ABOVE)

#include "ladspa_ports.h"

static const LADSPA_Descriptor descriptors[PLUGIN_MAX_CHANNELS] = {
    {FIRST_ID, "percepnet_mono", LADSPA_PROPERTY_HARD_RT_CAPABLE, "PercepNet noise suppressor, mono",
     "PercepNet for ARM", "BSD-3-Clause", PLUGIN_PORTS(1), ports_1, names_1, hints_1, NULL, instantiate_mono,
     connect_port, activate, run, NULL, NULL, NULL, cleanup},
    {FIRST_ID + 1, "percepnet_stereo", LADSPA_PROPERTY_HARD_RT_CAPABLE, "PercepNet noise suppressor, stereo",
     "PercepNet for ARM", "BSD-3-Clause", PLUGIN_PORTS(2), ports_2, names_2, hints_2, NULL,
     instantiate_stereo, connect_port, activate, run, NULL, NULL, NULL, cleanup},
};

VISIBLE const LADSPA_Descriptor *ladspa_descriptor(unsigned long index)
{
    return index < PLUGIN_MAX_CHANNELS ? &descriptors[index] : NULL;
}
