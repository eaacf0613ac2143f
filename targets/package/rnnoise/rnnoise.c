/* rnnoise.h on top of percepnet.h. The only place with floats and malloc; not part of the library. */
#include "rnnoise.h"

#include <stdint.h>
#include <stdlib.h>

#include "percepnet.h"

/* The instance stands at the first multiple of 16 in `memory`: malloc gives 8 on 32-bit systems. */
struct DenoiseState {
    unsigned char memory[PERCEPNET_STATE_BYTES + 15];
};

static percepnet *instance(DenoiseState *st)
{
    return (percepnet *)(void *)(((uintptr_t)st->memory + 15) & ~(uintptr_t)15);
}

/* nearest whole number, saturated */
static int16_t to_int16(float x)
{
    if (x >= 32767.0f)
        return 32767;
    if (x <= -32768.0f)
        return -32768;
    if (x != x)
        return 0;
    return (int16_t)(x < 0.0f ? x - 0.5f : x + 0.5f);
}

int rnnoise_get_size(void)
{
    return (int)sizeof(DenoiseState);
}

int rnnoise_get_frame_size(void)
{
    return PERCEPNET_HOP;
}

int rnnoise_init(DenoiseState *st, RNNModel *model)
{
    if (!st || model)
        return -1;
    return percepnet_init(instance(st), PERCEPNET_STATE_BYTES) ? 0 : -1;
}

DenoiseState *rnnoise_create(RNNModel *model)
{
    DenoiseState *st = malloc(sizeof *st);
    if (st && rnnoise_init(st, model)) {
        free(st);
        return NULL;
    }
    return st;
}

void rnnoise_destroy(DenoiseState *st)
{
    free(st);
}

float rnnoise_process_frame(DenoiseState *st, float *out, const float *in)
{
    int16_t hop[PERCEPNET_HOP];
    for (int i = 0; i < PERCEPNET_HOP; i++)
        hop[i] = to_int16(in[i]);
    int voice = percepnet_process(instance(st), hop, hop);
    for (int i = 0; i < PERCEPNET_HOP; i++)
        out[i] = hop[i];
    return (float)voice / 32767.0f;
}

RNNModel *rnnoise_model_from_buffer(const void *data, int bytes)
{
    (void)data;
    (void)bytes;
    return NULL;
}

RNNModel *rnnoise_model_from_file(FILE *file)
{
    (void)file;
    return NULL;
}

RNNModel *rnnoise_model_from_filename(const char *name)
{
    (void)name;
    return NULL;
}

void rnnoise_model_free(RNNModel *model)
{
    (void)model;
}
