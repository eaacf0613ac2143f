/* Stack: run noise, single hops and blocks, on a painted stack of its own and see how far they wrote. */
#define _XOPEN_SOURCE 600
#include "footprint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "message.h"
#include "taps.h"

#define STACK_BYTES ((size_t)1 << 20)
#define PAINT 0xA5
static percepnet *measured;
static int measured_calls;

static void run_calls(void)
{
    static int16_t x[PERCEPNET_BLOCK * PERCEPNET_HOP];
    uint32_t seed = 1;
    for (int n = 0; n < measured_calls; n++) {
        for (size_t i = 0; i < sizeof x / sizeof *x; i++) {
            seed = seed * 1664525u + 1013904223u;
            x[i] = (int16_t)((int32_t)(seed >> 16) - 32768);
        }
        percepnet_process(measured, x, x);
        percepnet_process_block(measured, x, x, PERCEPNET_BLOCK, NULL);
    }
}

static size_t stack_used(int calls)
{
    static ucontext_t here, there;
    unsigned char *stack = malloc(STACK_BYTES);
    size_t untouched = 0;
    if (!stack || getcontext(&there))
        die("memory", "%lu bytes for a stack are needed", (unsigned long)STACK_BYTES);
    memset(stack, PAINT, STACK_BYTES);
    there.uc_stack.ss_sp = stack;
    there.uc_stack.ss_size = STACK_BYTES;
    there.uc_link = &here;
    measured_calls = calls;
    makecontext(&there, run_calls, 0);
    swapcontext(&here, &there);
    while (untouched < STACK_BYTES && stack[untouched] == PAINT)
        untouched++;
    free(stack);
    return STACK_BYTES - untouched;
}

void print_footprint(const options *o)
{
    unsigned long idle, used;
    measured = new_instance(o);
    idle = (unsigned long)stack_used(0);
    used = (unsigned long)stack_used(50);
    printf("{\"model\": \"%s\", \"state\": %lu, \"scratch\": %u, \"stack\": %lu}\n", percepnet_model_id(),
           (unsigned long)percepnet_state_bytes() - percepnet_scratch_bytes, percepnet_scratch_bytes,
           used - idle);
    free(measured);
}
