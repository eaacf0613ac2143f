#include "plugin.h"

#include <stdlib.h>

#include "live.h"

struct plugin {
    unsigned channels;
    live *channel[PLUGIN_MAX_CHANNELS];
    const float *in[PLUGIN_MAX_CHANNELS];
    float *out[PLUGIN_MAX_CHANNELS];
    const float *control[PLUGIN_SETTINGS];
    int value[PLUGIN_SETTINGS]; /* as the suppressors have it */
    float *latency, *voice;
};

plugin *plugin_new(uint32_t rate, unsigned channels)
{
    plugin *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->channels = channels;
    for (unsigned c = 0; c < channels; c++)
        if (!(p->channel[c] = live_new(rate))) {
            plugin_free(p);
            return NULL;
        }
    for (unsigned s = 0; s < PLUGIN_SETTINGS; s++)
        p->value[s] = plugin_settings[s].value;
    return p;
}

void plugin_free(plugin *p)
{
    if (!p)
        return;
    for (unsigned c = 0; c < p->channels; c++)
        live_free(p->channel[c]);
    free(p);
}

void plugin_connect(plugin *p, unsigned long port, float *data)
{
    unsigned long channels = p->channels, setting = port - 2 * channels;
    if (port < channels)
        p->in[port] = data;
    else if (port < 2 * channels)
        p->out[port - channels] = data;
    else if (setting < PLUGIN_SETTINGS)
        p->control[setting] = data;
    else if (setting == PLUGIN_SETTINGS)
        p->latency = data;
    else if (setting == PLUGIN_SETTINGS + 1)
        p->voice = data;
}

void plugin_activate(plugin *p)
{
    for (unsigned c = 0; c < p->channels; c++)
        live_reset(p->channel[c]);
}

/* The nearest value that the setting takes; what is below its range, or no number, is the default. */
static int wanted(unsigned s, const float *control)
{
    const plugin_setting *setting = &plugin_settings[s];
    if (!control || !(*control > (float)setting->min - 0.5f))
        return setting->value;
    if (*control >= (float)setting->max)
        return setting->max;
    return (int)(*control + 0.5f);
}

static void take_settings(plugin *p)
{
    for (unsigned s = 0; s < PLUGIN_SETTINGS; s++) {
        int value = wanted(s, p->control[s]);
        if (value == p->value[s])
            continue;
        p->value[s] = value;
        for (unsigned c = 0; c < p->channels; c++)
            plugin_settings[s].set(live_suppressor(p->channel[c]), value);
    }
}

void plugin_run(plugin *p, unsigned long count)
{
    int voice_q15 = 0;
    take_settings(p);
    for (unsigned c = 0; c < p->channels; c++) {
        if (p->in[c] && p->out[c])
            live_run(p->channel[c], p->in[c], p->out[c], count);
        if (live_voice_q15(p->channel[c]) > voice_q15)
            voice_q15 = live_voice_q15(p->channel[c]);
    }
    if (p->latency)
        *p->latency = (float)live_latency(p->channel[0]);
    if (p->voice)
        *p->voice = (float)voice_q15 / 32767.0f;
}
