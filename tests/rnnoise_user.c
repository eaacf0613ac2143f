/* A program as rnnoise's documentation describes them: raw int16 in and out, 480 samples a call. */
#include <stdio.h>
#include <rnnoise.h>

#define FRAME_SIZE 480

int main(void)
{
    float x[FRAME_SIZE];
    short samples[FRAME_SIZE];
    double voice = 0;
    int frames = 0;
    DenoiseState *st = rnnoise_create(NULL);
    if (!st || rnnoise_get_frame_size() != FRAME_SIZE)
        return 1;
    while (fread(samples, sizeof(short), FRAME_SIZE, stdin) == FRAME_SIZE) {
        for (int i = 0; i < FRAME_SIZE; i++)
            x[i] = samples[i];
        voice += rnnoise_process_frame(st, x, x);
        for (int i = 0; i < FRAME_SIZE; i++)
            samples[i] = (short)x[i];
        fwrite(samples, sizeof(short), FRAME_SIZE, stdout);
        frames++;
    }
    rnnoise_destroy(st);
    fprintf(stderr, "%f", voice / frames);
    return 0;
}
