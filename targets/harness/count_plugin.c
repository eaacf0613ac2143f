/* QEMU plugin: instructions between two marker instructions, per frame and per address range.
 *
 * Arguments: ranges=FILE, lines of "name begin end" in hexadecimal, end exclusive; names may repeat.
 * "@begin" and "@end" name the addresses of the markers, which are not counted themselves.
 * out=FILE receives {"frames": n, "ranges": {name: {"sum": s, "max": m}}}, with "other" for what
 * lies in no range and "total" for everything.
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
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_callback callback,
                                            int flags, void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, exit_callback callback, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv);

enum { MAX_STAGES = 64, MAX_RANGES = 65536, OTHER = 0, BEGIN = -1, END = -2 };

typedef struct {
    char name[64];
    uint64_t frame, sum, max;
} stage;

typedef struct {
    uint64_t begin, end;
    int stage;
} range;

/* Instructions that follow one another within a range. */
typedef struct {
    int stage;
    unsigned count;
} run;

static stage stages[MAX_STAGES] = {{"other", 0, 0, 0}};
static int n_stages = 1;
static range *ranges;
static size_t n_ranges;
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
        return OTHER;
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
    while (n_ranges < MAX_RANGES
           && fscanf(file, "%63s %" SCNx64 " %" SCNx64, stage_name, &begin, &end) == 3)
        ranges[n_ranges++] = (range){begin, end, stage_index(stage_name)};
    return fclose(file);
}

static int stage_at(uint64_t address)
{
    for (size_t i = 0; i < n_ranges; i++)
        if (address >= ranges[i].begin && address < ranges[i].end)
            return ranges[i].stage;
    return OTHER;
}

static void on_run(unsigned cpu, void *data)
{
    const run *r = data;
    (void)cpu;
    if (counting)
        stages[r->stage].frame += r->count;
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

/* Splits a block into runs and hangs a callback on the first instruction of each. */
static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    size_t n = qemu_plugin_tb_n_insns(tb);
    run *open = NULL;
    (void)id;
    for (size_t i = 0; i < n; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        int where = stage_at(qemu_plugin_insn_vaddr(insn));
        if (where == BEGIN || where == END) {
            exec_callback marker = where == BEGIN ? on_begin : on_end;
            qemu_plugin_register_vcpu_insn_exec_cb(insn, marker, NO_REGISTERS, NULL);
            open = NULL;
            continue;
        }
        if (!open || open->stage != where) {
            open = calloc(1, sizeof *open); /* lives as long as the translation: the process */
            if (!open)
                abort();
            open->stage = where;
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_run, NO_REGISTERS, open);
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
        fprintf(file, "\"%s\": {\"sum\": %" PRIu64 ", \"max\": %" PRIu64 "}, ", stages[i].name,
                stages[i].sum, stages[i].max);
    fprintf(file, "\"total\": {\"sum\": %" PRIu64 ", \"max\": %" PRIu64 "}}}\n", total_sum,
            total_max);
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
