/* LV2: urn:percepnet:mono and urn:percepnet:stereo; their ports are described in percepnet.ttl. */
#include <lv2/core/lv2.h>
#include <stddef.h>

#include "plugin.h"

static LV2_Handle instantiate_mono(const LV2_Descriptor *d, double rate, const char *bundle,
                                   const LV2_Feature *const *features)
{
    (void)d, (void)bundle, (void)features;
    return plugin_new((uint32_t)rate, 1);
}

static LV2_Handle instantiate_stereo(const LV2_Descriptor *d, double rate, const char *bundle,
                                     const LV2_Feature *const *features)
{
    (void)d, (void)bundle, (void)features;
    return plugin_new((uint32_t)rate, 2);
}

static void connect_port(LV2_Handle p, uint32_t port, void *data)
{
    plugin_connect(p, port, data);
}

static void activate(LV2_Handle p)
{
    plugin_activate(p);
}

static void run(LV2_Handle p, uint32_t count)
{
    plugin_run(p, count);
}

static void cleanup(LV2_Handle p)
{
    plugin_free(p);
}

static const LV2_Descriptor descriptors[PLUGIN_MAX_CHANNELS] = {
    {"urn:percepnet:mono", instantiate_mono, connect_port, activate, run, NULL, cleanup, NULL},
    {"urn:percepnet:stereo", instantiate_stereo, connect_port, activate, run, NULL, cleanup, NULL},
};

LV2_SYMBOL_EXPORT const LV2_Descriptor *lv2_descriptor(uint32_t index)
{
    return index < PLUGIN_MAX_CHANNELS ? &descriptors[index] : NULL;
}
