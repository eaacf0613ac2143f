/* Random calls of the C API on hostile sound: any function, any argument, memory of the exact size.
 *
 * What is checked beside the sanitizers: codes that the header promises, getters that say what was set,
 * refused calls that change nothing, and in one short session of four a second instance with the
 * scalar kernels that is driven hop by hop and must say the same, sample for sample. Most frames are
 * those of long sessions with the wide kernels: the scalar ones, sanitized, take twenty times as long. */
#define _POSIX_C_SOURCE 200809L
#include <string.h>

#include "draw.h"
#include "suppressor.h"

enum { MOST_FEED = 2000, SHORT = 12, LONG = 2000 }; /* calls of a session */

/* Settings by their functions, with the limits that the header states. */
typedef struct {
    int (*set)(percepnet *, int), (*get)(const percepnet *);
    int most, value, least;
} setting;

#define SETTING(name, least, most) {percepnet_set_##name, percepnet_##name, most, 0, least}

static setting settings[] = {
    SETTING(postfilter, 0, 1),
    SETTING(decay_floor, 0, 1),
    SETTING(highpass, 0, 1),
    SETTING(postfilter_beta_permille, 1, 1000),
    SETTING(attenuation_limit_db, 0, 100),
};
#define N_SETTINGS ((int)(sizeof settings / sizeof *settings))

/* Heap blocks of exactly the size of a call, so that one sample beyond is seen. */
static int16_t *hops_in[PERCEPNET_BLOCK + 1], *hops_out[PERCEPNET_BLOCK + 1], *hop_of_other;

static int16_t full_scale(void)
{
    return one_in(2) ? 32767 : -32768;
}

/* A hop of one of many kinds; some go on where the one before ended. */
static void make_hop(int16_t *x)
{
    static int16_t before[PERCEPNET_HOP];
    static uint32_t phase, step;
    int kind = below(14), level = 1 << below(16), period = 1 + below(300);
    int16_t a = full_scale(), b = full_scale();
    if (one_in(6))
        step = draw() >> below(20);
    for (int i = 0; i < PERCEPNET_HOP; i++) {
        int value = 0;
        switch (kind) {
        case 0: value = 0; break;
        case 1: value = a; break;
        case 2: value = i & 1 ? 32767 : -32768; break;
        case 3: value = i / period & 1 ? a : b; break;
        case 4: value = i % period == 0 ? a : 0; break;
        case 5: value = (int16_t)draw(); break;
        case 6: value = below(2 * level + 1) - level; break;
        case 7: value = (int16_t)((phase += step) >> 16); break;
        case 8: value = ((phase += step) >> 31 ? -level : level); break;
        case 9: value = before[i]; break;
        case 10: value = one_in(40) ? full_scale() : before[i]; break;
        case 11: value = before[PERCEPNET_HOP - 1] + below(3) - 1; break;
        case 12: value = level; break;
        default: value = before[i] / 2 + (int16_t)draw() / 2; break;
        }
        x[i] = (int16_t)(value > 32767 ? 32767 : value < -32768 ? -32768 : value);
    }
    memcpy(before, x, sizeof before);
}

static percepnet *new_one(void)
{
    void *mem = NULL;
    size_t bytes = percepnet_state_bytes();
    CHECK(posix_memalign(&mem, PERCEPNET_STATE_ALIGN, bytes) == 0);
    memset(mem, below(256), bytes);
    CHECK(percepnet_check_memory(mem, bytes - 1) == PERCEPNET_ERR_SIZE);
    CHECK(percepnet_check_memory((char *)mem + 4, bytes) == PERCEPNET_ERR_ALIGN);
    CHECK(percepnet_init(mem, bytes - 1) == NULL && percepnet_init(NULL, bytes) == NULL);
    CHECK(percepnet_init(mem, bytes) == mem);
    return mem;
}

/* One of the sets from the `first` on that run here; the scalar one where no other does. */
static void choose_kernels(percepnet *st, int first)
{
    int here[8], count = 0;
    for (int k = first; percepnet_kernel_sets[k]; k++)
        if (percepnet_kernels_run_here(percepnet_kernel_sets[k]))
            here[count++] = k;
    st->kernels = percepnet_kernel_sets[count ? here[below(count)] : 0];
}

/* Any value; what is refused leaves the setting as it was. */
static void set_something(percepnet *st, percepnet *other)
{
    setting *s = &settings[below(N_SETTINGS)];
    int value = one_in(4) ? (int)draw() : s->least - 1 + below(s->most - s->least + 3);
    int fits = value >= s->least && value <= s->most;
    CHECK(s->set(st, value) == (fits ? PERCEPNET_OK : PERCEPNET_ERR_RANGE));
    if (other)
        s->set(other, value);
    s->value = fits ? value : s->value;
    CHECK(s->get(st) == s->value);
    CHECK(s->set(NULL, value) == PERCEPNET_ERR_NULL && s->get(NULL) == PERCEPNET_ERR_NULL);
}

static void misuse(percepnet *st)
{
    static const int wrong[] = {0, -1, PERCEPNET_BLOCK + 1, INT32_MAX, INT32_MIN};
    int16_t *x = hops_in[1];
    int hops = wrong[below(5)];
    CHECK(percepnet_process(NULL, x, x) == PERCEPNET_ERR_NULL);
    CHECK(percepnet_process(st, NULL, x) == PERCEPNET_ERR_NULL);
    CHECK(percepnet_process(st, x, NULL) == PERCEPNET_ERR_NULL);
    CHECK(percepnet_process_block(st, x, x, hops, NULL) == PERCEPNET_ERR_RANGE);
    CHECK(percepnet_process_block(st, NULL, x, 1, NULL) == PERCEPNET_ERR_NULL);
    CHECK(percepnet_feed(st, x, x, -1 - below(1000)) == PERCEPNET_ERR_RANGE);
    CHECK(percepnet_feed(NULL, x, x, 1) == PERCEPNET_ERR_NULL);
    CHECK(percepnet_reset(NULL) == PERCEPNET_ERR_NULL);
}

static void check_other(percepnet *other, const int16_t *in, const int16_t *out, int voice)
{
    CHECK(percepnet_process(other, hop_of_other, in) == voice);
    CHECK(memcmp(hop_of_other, out, 2 * PERCEPNET_HOP) == 0);
}

static int process(percepnet *st, percepnet *other)
{
    int hops = 1 + below(PERCEPNET_BLOCK), in_place = !other && one_in(3), single = hops == 1 && one_in(2);
    int16_t *in = hops_in[hops], *out = in_place ? in : hops_out[hops], voice[PERCEPNET_BLOCK];
    for (int n = 0; n < hops; n++)
        make_hop(in + n * PERCEPNET_HOP);
    if (single)
        voice[0] = (int16_t)percepnet_process(st, out, in);
    else
        CHECK(percepnet_process_block(st, out, in, hops, voice) == PERCEPNET_OK);
    for (int n = 0; n < hops; n++) {
        CHECK(voice[n] >= 0);
        if (other)
            check_other(other, in + n * PERCEPNET_HOP, out + n * PERCEPNET_HOP, voice[n]);
    }
    return hops;
}

/* However a sound is cut: any number of samples a call, in a block of exactly that size. */
static int feed(percepnet *st)
{
    int count = one_in(3) ? below(8) : below(MOST_FEED);
    int16_t *in = malloc(sizeof *in * (size_t)count + 1), *out = one_in(2) ? in : NULL, hop[PERCEPNET_HOP];
    out = out ? out : malloc(sizeof *out * (size_t)count + 1);
    CHECK(in && out);
    for (int i = 0; i < count; i++) {
        if (i % PERCEPNET_HOP == 0)
            make_hop(hop);
        in[i] = hop[i % PERCEPNET_HOP];
    }
    CHECK(percepnet_feed(st, out, in, count) >= 0);
    if (out != in)
        free(out);
    free(in);
    return count;
}

static uint64_t session(void)
{
    int is_long = one_in(4), calls = 1 + below(is_long ? LONG : SHORT);
    percepnet *st = new_one(), *other = !is_long && one_in(4) ? new_one() : NULL;
    int feeds = !other && one_in(4);
    uint64_t samples = 0;
    choose_kernels(st, is_long);
    if (other)
        other->kernels = percepnet_kernel_sets[0];
    for (int k = 0; k < N_SETTINGS; k++)
        settings[k].value = settings[k].get(st);
    for (int n = 0; n < calls; n++) {
        if (one_in(8))
            set_something(st, other);
        if (one_in(30))
            misuse(st);
        if (one_in(50)) {
            CHECK(percepnet_reset(st) == PERCEPNET_OK);
            if (other)
                percepnet_reset(other);
            feeds = !other && one_in(4);
        }
        samples += (uint64_t)(feeds ? feed(st) : process(st, other) * PERCEPNET_HOP);
    }
    free(st);
    free(other);
    return samples / PERCEPNET_HOP;
}

int main(int argc, char **argv)
{
    hop_of_other = malloc(2 * PERCEPNET_HOP);
    for (int n = 1; n <= PERCEPNET_BLOCK; n++) {
        hops_in[n] = calloc((size_t)n * PERCEPNET_HOP, 2);
        hops_out[n] = malloc((size_t)n * PERCEPNET_HOP * 2);
    }
    return fuzz_main(argc, argv, "frames of " PERCEPNET_MODEL_ID, session);
}
