/* Random numbers by a seed, time, and how a fuzzer says what it found. */
#ifndef DRAW_H
#define DRAW_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t draw_state = 1;

static uint32_t draw(void)
{
    draw_state ^= draw_state << 13;
    draw_state ^= draw_state >> 7;
    draw_state ^= draw_state << 17;
    return (uint32_t)(draw_state >> 16);
}

/* 0 ... n - 1 */
static int below(int n)
{
    return (int)(draw() % (uint32_t)n);
}

static int one_in(int n)
{
    return below(n) == 0;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A case repeats by its own seed alone. */
static void begin_case(uint64_t seed, uint64_t number)
{
    draw_state = (seed + 1) * UINT64_C(0x9E3779B97F4A7C15) ^ (number + 1) * UINT64_C(0xBF58476D1CE4E5B9);
    draw_state |= 1;
    for (int i = 0; i < 8; i++)
        draw();
}

#define CHECK(truth) \
    do { \
        if (!(truth)) { \
            printf("WRONG: %s:%d: %s\n", __FILE__, __LINE__, #truth); \
            fflush(stdout); \
            abort(); \
        } \
    } while (0)

/* fuzz SEED SECONDS [FIRST]: runs cases one after the other until the time is over. */
typedef uint64_t (*fuzz_case)(void); /* how much it did */

static inline int fuzz_main(int argc, char **argv, const char *what, fuzz_case run)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1, done = 0;
    uint64_t number = argc > 3 ? strtoull(argv[3], NULL, 10) : 0, first = number;
    double end = now() + (argc > 2 ? atof(argv[2]) : 1);
    do {
        begin_case(seed, number);
        fprintf(stderr, "\rcase %llu", (unsigned long long)number);
        done += run();
        number++;
    } while (now() < end);
    printf("%s: %llu in %llu cases of seed %llu\n", what, (unsigned long long)done,
           (unsigned long long)(number - first), (unsigned long long)seed);
    return 0;
}

#endif
