/* Sums weighted operations by frame and stage; the calls are put in by targets/wmops.py.
 * At the end wmops.json receives {"frames": n, "max": largest frame, "stages": [sum of each]}. */
#include <stdint.h>
#include <stdio.h>

enum { MAX_STAGES = 128 };
static uint64_t sums[MAX_STAGES], frames, frame, largest;

void wmops_count(int32_t stage, int32_t weight);
void wmops_bytes(int32_t stage, int32_t bytes);
void wmops_frame(void);

void wmops_count(int32_t stage, int32_t weight)
{
    if (frames == 0)
        return; /* not in a frame yet: an instance is being made */
    sums[stage] += (uint64_t)weight;
    frame += (uint64_t)weight;
}

/* bytes moved or cleared, as moves of 32 bits, which weigh 2 */
void wmops_bytes(int32_t stage, int32_t bytes)
{
    wmops_count(stage, (bytes + 3) / 4 * 2);
}

static void finish_frame(void)
{
    largest = frame > largest ? frame : largest;
    frame = 0;
}

/* at the beginning of every frame */
void wmops_frame(void)
{
    finish_frame();
    frames++;
}

__attribute__((destructor)) static void write_sums(void)
{
    FILE *file = fopen("wmops.json", "w");
    finish_frame();
    if (!file)
        return;
    fprintf(file, "{\"frames\": %llu, \"max\": %llu, \"stages\": [", (unsigned long long)frames,
            (unsigned long long)largest);
    for (int i = 0; i < MAX_STAGES; i++)
        fprintf(file, "%s%llu", i ? ", " : "", (unsigned long long)sums[i]);
    fprintf(file, "]}\n");
    fclose(file);
}
