/* QEMU plugin: instructions of every call of the library, by address range.
 *
 * Arguments: ranges=FILE, lines of "name begin end" in hexadecimal, end exclusive; names may repeat.
 * A call begins with the first instruction of a range "@begin" (the functions of the library that
 * process sound) and ends with the first one in a range "@end" (the program that calls them). All
 * other names are stages; what a stage calls outside of them, the C library, is its own cost.
 * out=FILE receives {"frames": n, "ranges": {name: {"sum": s, "max": m}}, "blocks": [[address,
 * instructions, times executed], ...]}: "frames" are calls, "total" is the sum over stages; blocks
 * are straight runs of instructions within one stage or outside.
 *
 * The declarations are ours, after the documented plugin interface, version 1: the header is not
 * packaged. One virtual CPU is assumed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef struct qemu_info qemu_info_t;
typedef void (*tb_callback)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*exec_callback)(unsigned cpu, void *data);
typedef void (*exit_callback)(qemu_plugin_id_t id, void *data);
enum { NO_REGISTERS = 0 }; /* qemu_plugin_cb_flags: the callback reads none */

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_callback callback);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_callback callback, int flags,
                                            void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, exit_callback callback, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv);

enum { MAX_STAGES = 128, MAX_RANGES = 65536, BEGIN = -1, END = -2, OUTSIDE = -3 };

typedef struct {
    char name[64];
    uint64_t frame, sum, max;
} stage;

typedef struct {
    uint64_t begin, end;
    int stage;
} range;

/* Instructions that follow one another within a stage; they live as long as the process. */
typedef struct block {
    int stage;
    unsigned count;
    uint64_t address, executed;
    struct block *next;
} block;

static stage stages[MAX_STAGES];
static int n_stages, current;
static range *ranges;
static size_t n_ranges;
static block *blocks;
static uint64_t frames, total_sum, total_max;
static int counting;
static const char *out_name;

static int stage_index(const char *name)
{
    int i = 0;
    if (!strcmp(name, "@begin"))
        return BEGIN;
    if (!strcmp(name, "@end"))
        return END;
    while (i < n_stages && strcmp(stages[i].name, name))
        i++;
    if (i == MAX_STAGES)
        abort();
    if (i == n_stages)
        strcpy(stages[n_stages++].name, name);
    return i;
}

static int load_ranges(const char *name)
{
    FILE *file = fopen(name, "r");
    char stage_name[64];
    uint64_t begin, end;
    if (!file || !(ranges = calloc(MAX_RANGES, sizeof *ranges)))
        return -1;
    while (n_ranges < MAX_RANGES && fscanf(file, "%63s %" SCNx64 " %" SCNx64, stage_name, &begin, &end) == 3)
        ranges[n_ranges++] = (range){begin, end, stage_index(stage_name)};
    return fclose(file);
}

static int within(uint64_t address, int what)
{
    for (size_t i = 0; i < n_ranges; i++)
        if (ranges[i].stage == what && address >= ranges[i].begin && address < ranges[i].end)
            return 1;
    return 0;
}

static int stage_at(uint64_t address)
{
    for (size_t i = 0; i < n_ranges; i++)
        if (ranges[i].stage >= 0 && address >= ranges[i].begin && address < ranges[i].end)
            return ranges[i].stage;
    return OUTSIDE;
}

static void on_block(unsigned cpu, void *data)
{
    block *b = data;
    (void)cpu;
    if (!counting)
        return;
    if (b->stage != OUTSIDE)
        current = b->stage;
    stages[current].frame += b->count;
    b->executed++;
}

static void on_begin(unsigned cpu, void *data)
{
    (void)cpu;
    (void)data;
    counting = 1;
}

static void on_end(unsigned cpu, void *data)
{
    uint64_t total = 0;
    (void)cpu;
    (void)data;
    if (!counting)
        return;
    counting = 0;
    for (int i = 0; i < n_stages; i++) {
        stage *s = &stages[i];
        total += s->frame;
        s->sum += s->frame;
        s->max = s->frame > s->max ? s->frame : s->max;
        s->frame = 0;
    }
    frames++;
    total_sum += total;
    total_max = total > total_max ? total : total_max;
}

static block *new_block(int stage_number, uint64_t address)
{
    block *b = calloc(1, sizeof *b);
    if (!b)
        abort();
    b->stage = stage_number;
    b->address = address;
    b->next = blocks;
    return blocks = b;
}

/* Splits a translation into blocks and hangs a callback on the first instruction of each. */
static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    size_t n = qemu_plugin_tb_n_insns(tb);
    block *open = NULL;
    int ended = 0;
    (void)id;
    for (size_t i = 0; i < n; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint64_t address = qemu_plugin_insn_vaddr(insn);
        int where = stage_at(address);
        if (within(address, END)) {
            if (!ended)
                qemu_plugin_register_vcpu_insn_exec_cb(insn, on_end, NO_REGISTERS, NULL);
            ended = 1;
            continue;
        }
        if (within(address, BEGIN))
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_begin, NO_REGISTERS, NULL);
        if (!open || open->stage != where) {
            open = new_block(where, address);
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_block, NO_REGISTERS, open);
        }
        open->count++;
    }
}

static void write_counts(qemu_plugin_id_t id, void *data)
{
    FILE *file = fopen(out_name, "w");
    (void)id;
    (void)data;
    if (!file)
        return;
    fprintf(file, "{\"frames\": %" PRIu64 ", \"ranges\": {", frames);
    for (int i = 0; i < n_stages; i++)
        fprintf(file, "\"%s\": {\"sum\": %" PRIu64 ", \"max\": %" PRIu64 "}, ", stages[i].name, stages[i].sum,
                stages[i].max);
    fprintf(file, "\"total\": {\"sum\": %" PRIu64 ", \"max\": %" PRIu64 "}}, ", total_sum, total_max);
    fprintf(file, "\"blocks\": [");
    for (const char *comma = ""; blocks; blocks = blocks->next)
        if (blocks->executed) {
            fprintf(file, "%s[%" PRIu64 ", %u, %" PRIu64 "]", comma, blocks->address, blocks->count,
                    blocks->executed);
            comma = ", ";
        }
    fprintf(file, "]}\n");
    fclose(file);
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (!strncmp(argv[i], "out=", 4))
            out_name = strdup(argv[i] + 4);
        else if (strncmp(argv[i], "ranges=", 7) || load_ranges(argv[i] + 7))
            return -1;
    }
    if (!out_name || !n_ranges)
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, write_counts, NULL);
    return 0;
}
