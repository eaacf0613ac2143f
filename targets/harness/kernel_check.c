/* kernel_check [SEED]: every kernel that this CPU can run against the scalar one, bit for bit.
 *
 * Complete by construction in shapes: every matrix of this network, dense and sparse; every number of
 * rows to four blocks and their tails; every number of columns of a product; gates of every length to
 * 40 and of every layer. In operands by kinds: near zero, at both limits, alternating, random, each of
 * the weights with each of the inputs; tanh and sigmoid of every 16-bit number. Whole buffers are
 * compared, guard bytes included. The first difference of each kernel is printed with its case. Exit
 * codes: 0 all equal, 1 not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "params.h"

enum { GUARD = 64, MAX_COLS = PERCEPNET_COLS_MAX, KINDS = 6, ROUNDS = KINDS * KINDS };
enum { SWEPT_ROWS = 4 * 16 + 12, SWEPT_LENGTHS = 40 };

#define SHAPE(rows, cols, depth) {rows, cols, depth},
#define ROOM(rows, cols, depth) char of_##rows##_##cols##_##depth[rows];
enum { MAX_ROWS = sizeof(union { PERCEPNET_EACH_SHAPE(ROOM) char swept[SWEPT_ROWS]; }) };
static const struct {
    int rows, cols, depth;
} shapes[] = {PERCEPNET_EACH_SHAPE(SHAPE)};
static const int col_counts[] = {32, 64, 96, 160, MAX_COLS};
#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

static int8_t weight[MAX_ROWS * MAX_COLS + GUARD], weight_i8mm[MAX_ROWS * (MAX_COLS + 4) + GUARD];
static uint16_t block_index[MAX_ROWS * MAX_COLS / 64 + MAX_ROWS / 16];
static int8_t x_s8[PERCEPNET_BLOCK * (MAX_COLS + GUARD)];
static int16_t x_s16[PERCEPNET_BLOCK * (MAX_COLS + GUARD)];
static int32_t bias[MAX_ROWS], bias_raised[MAX_ROWS], mult[MAX_ROWS], pre[3 * MAX_ROWS], hidden[3 * MAX_ROWS];
static int32_t spectra[4][PERCEPNET_HOP];
static int16_t segment[PERCEPNET_PITCH_SEGMENT];
static struct {
    int32_t s32[PERCEPNET_BLOCK * MAX_ROWS];
    int16_t q15[MAX_ROWS];
    int8_t s8[MAX_ROWS];
    int64_t sums[PERCEPNET_N_BANDS];
    int32_t fft[4][PERCEPNET_HOP];
    char guard[GUARD];
} want, got;
static uint64_t state;
static int cases, failures, this_round; /* a kind of weights and a kind of inputs */

/* splitmix64 */
static uint64_t next(void)
{
    uint64_t z = (state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* low..high */
static int64_t between(int64_t low, int64_t high)
{
    return low + (int64_t)(next() % (uint64_t)(high - low + 1));
}

/* the i-th value of a kind, within low..high around 0 */
static int32_t value(int kind, int i, int32_t low, int32_t high)
{
    switch (kind) {
    case 0: return high;
    case 1: return low;
    case 2: return i % 2 ? high : low;
    case 3: return (int32_t)between(-1, 1);
    case 4: return (int32_t)(next() % 2 ? between(high - 2, high) : between(low, low + 2));
    default: return (int32_t)between(low, high);
    }
}

/* What a matrix is drawn as: dense, or which blocks of 16 rows a sparse one holds. Of the block of
 * rows that begins with row: its place in the weights and its column groups. */
static int32_t place[MAX_ROWS], held[MAX_ROWS];

static int rows_of_block(int rows, int row)
{
    return row < rows / 16 * 16 ? 16 : 4;
}

/* Weights that are held; every 16 rows of a sparse matrix hold none, one, all, or some groups. */
static int draw_blocks(int rows, int cols, int depth, int sparse)
{
    uint16_t *next_index = block_index;
    int count = 0;
    for (int row = 0, n; row < rows; row += n) {
        n = rows_of_block(rows, row);
        place[row] = count;
        held[row] = cols / depth;
        if (sparse && n == 16) {
            uint16_t *groups = next_index++;
            const int chance = (int)between(-1, 8), one = (int)between(0, cols / depth - 1);
            for (int g = 0; g < cols / depth; g++)
                if (chance < 0 ? g == one : between(0, 7) < chance)
                    *next_index++ = (uint16_t)g;
            *groups = (uint16_t)(next_index - groups - 1);
            held[row] = *groups;
        }
        count += n * depth * held[row];
    }
    return count;
}

/* of the weights of int8 inputs as they are packed */
static int32_t row_sum(int rows, int row)
{
    const int n = rows_of_block(rows, row), first = row / n * n;
    const int8_t *w = weight + place[first] + row % n * 4;
    int32_t sum = 0;
    for (int g = 0; g < held[first]; g++, w += 4 * n)
        sum += w[0] + w[1] + w[2] + w[3];
    return sum;
}

/* from column groups of 4 to two of them at a time */
static void pack_i8mm(int rows)
{
    int8_t *to = weight_i8mm;
    for (int row = 0, n; row < rows; row += n) {
        n = rows_of_block(rows, row);
        for (int g = 0; g < held[row]; g += 2)
            for (int r = 0; r < n; r++)
                for (int k = g; k < g + 2; k++, to += 4)
                    if (k < held[row])
                        memcpy(to, weight + place[row] + 4 * (k * n + r), 4);
                    else
                        memset(to, 0, 4);
    }
}

/* A matrix within the bounds that the plan proves: accumulator, also of inputs raised by 128, and
 * result fit int32. */
static percepnet_matrix matrix(int rows, int cols, int depth, int x_max, int kind, int sparse)
{
    const int count = draw_blocks(rows, cols, depth, sparse);
    for (int i = 0; i < count; i++)
        weight[i] = (int8_t)value(kind, i, -127, 127);
    int64_t room = INT32_MAX - (int64_t)cols * 127 * (x_max + 2 * 128);
    int32_t most = (int32_t)(room < (1 << 20) ? room : next() % 2 ? room : 1 << 20);
    int32_t scale = next() % 2 ? INT32_MAX : 1 << 20;
    for (int row = 0; row < rows; row++) {
        bias[row] = value((int)between(0, KINDS - 1), row, -most, most);
        bias_raised[row] = depth == 4 ? bias[row] - 128 * row_sum(rows, row) : 0;
        mult[row] = (int32_t)between(scale / 2, scale);
    }
    return (percepnet_matrix){
        weight, weight_i8mm, sparse ? block_index : NULL, bias, mult, bias_raised, rows, cols,
    };
}

static void clear(void)
{
    memset(&want, 0x99, sizeof want);
    memset(&got, 0x99, sizeof got);
}

/* Compares the whole of both buffers. */
static void compare(const char *isa, const char *function, int a, int b, int kind)
{
    cases++;
    if (!memcmp(&want, &got, sizeof want))
        return;
    failures++;
    fprintf(stderr, "%s_%s, size %d x %d, kind %d: ", function, isa, a, b, kind);
    for (int i = 0; i < MAX_ROWS; i++)
        if (want.s32[i] != got.s32[i] || want.q15[i] != got.q15[i]) {
            fprintf(stderr, "index %d: scalar %ld %d, here %ld %d\n", i, (long)want.s32[i], want.q15[i],
                    (long)got.s32[i], got.q15[i]);
            return;
        }
    const unsigned char *expected = (const void *)&want, *found = (const void *)&got;
    size_t i = 0;
    while (expected[i] == found[i])
        i++;
    fprintf(stderr, "byte %zu of the buffers: scalar %02x, here %02x\n", i, expected[i], found[i]);
}

static void multiply_s8(const percepnet_kernels *scalar, const percepnet_kernels *set, int rows, int cols,
                        int columns, int sparse)
{
    const int stride = (int)between(16, cols + GUARD), kind = this_round / KINDS;
    percepnet_matrix m = matrix(rows, cols, 4, 127, kind, sparse);
    for (int i = 0; i < (columns - 1) * stride + cols; i++)
        x_s8[i] = (int8_t)value(this_round % KINDS, i, -127, 127);
    pack_i8mm(rows);
    clear();
    scalar->matmul_s8(want.s32, &m, x_s8, stride, columns);
    set->matmul_s8(got.s32, &m, x_s8, stride, columns);
    compare(set->isa, sparse ? "matmul_s8 (sparse)" : "matmul_s8", rows, cols, this_round);
}

static void multiply_s16(const percepnet_kernels *scalar, const percepnet_kernels *set, int rows, int cols,
                         int columns)
{
    const int stride = (int)between(1, cols + GUARD), kind = this_round / KINDS;
    percepnet_matrix m = matrix(rows, cols, 2, 32768, kind, 0);
    for (int i = 0; i < (columns - 1) * stride + cols; i++)
        x_s16[i] = (int16_t)value(this_round % KINDS, i, -32768, 32767);
    clear();
    scalar->matmul_s8_s16(want.s32, &m, x_s16, stride, columns);
    set->matmul_s8_s16(got.s32, &m, x_s16, stride, columns);
    compare(set->isa, "matmul_s8_s16", rows, cols, this_round);
}

/* the network's own shapes: where weights and inputs are of one kind */
static int is_turn_of_shapes(void)
{
    return this_round / KINDS == this_round % KINDS;
}

static void check_matmul_s8(const percepnet_kernels *scalar, const percepnet_kernels *set)
{
    for (int columns = 1; columns <= PERCEPNET_BLOCK; columns++) {
        for (int rows = 4; rows <= SWEPT_ROWS; rows += 4)
            multiply_s8(scalar, set, rows, col_counts[between(0, COUNT(col_counts) - 1)], columns,
                        next() % 2);
        for (int k = 0; k < COUNT(shapes); k++)
            if (shapes[k].depth == 4 && is_turn_of_shapes())
                for (int sparse = 0; sparse < 2; sparse++)
                    multiply_s8(scalar, set, shapes[k].rows, shapes[k].cols, columns, sparse);
    }
}

static void check_matmul_s8_s16(const percepnet_kernels *scalar, const percepnet_kernels *set)
{
    for (int columns = 1; columns <= PERCEPNET_BLOCK; columns++) {
        for (int rows = 4; rows <= SWEPT_ROWS; rows += 4)
            multiply_s16(scalar, set, rows, 2 * (int)between(1, 50), columns);
        for (int k = 0; k < COUNT(shapes); k++)
            if (shapes[k].depth == 2 && is_turn_of_shapes())
                multiply_s16(scalar, set, shapes[k].rows, shapes[k].cols, columns);
    }
}

/* up to 1, at the ends of 16 bits, or anything whose sum of two fits int32 */
static int32_t pre_activation(int kind, int i)
{
    static const int32_t limits[] = {6000, 32766, 32767, 32768, 65536, (1 << 30) - 1};
    int32_t limit = limits[between(0, COUNT(limits) - 1)];
    return value(kind, i, -limit, limit);
}

/* pre-activations of one kind, 3 n of input and hidden state */
static int draw_gates(int n)
{
    const int kind = this_round / KINDS;
    for (int i = 0; i < 3 * n; i++) {
        pre[i] = pre_activation(kind, i);
        hidden[i] = pre_activation(this_round % KINDS, i + (int)(next() % 2));
    }
    clear();
    return kind;
}

/* the k-th length: each to SWEPT_LENGTHS, then rows of the network and units of its GRUs; 0: no more */
static int length(int k)
{
    if (k < SWEPT_LENGTHS)
        return k + 1;
    k -= SWEPT_LENGTHS;
    return k < 2 * COUNT(shapes) ? shapes[k / 2].rows / (k % 2 ? 3 : 1) : 0;
}

/* MAX_ROWS numbers in a row from `start` on */
static void count_up(int32_t start)
{
    for (int i = 0; i < MAX_ROWS; i++)
        pre[i] = start + i;
    clear();
}

enum { SWEEP = 36000 }; /* every argument of 16 bits and a little more */

static void check_tanh_s32(const percepnet_kernels *scalar, const percepnet_kernels *set)
{
    for (int k = 0, n; (n = length(k)); k++) {
        int kind = draw_gates(n);
        scalar->tanh_s32(want.q15, want.s8, pre, n);
        set->tanh_s32(got.q15, got.s8, pre, n);
        compare(set->isa, "tanh_s32", n, 1, kind);
    }
    for (int32_t start = -SWEEP; start < SWEEP && this_round == 0; start += MAX_ROWS) {
        count_up(start);
        scalar->tanh_s32(want.q15, want.s8, pre, MAX_ROWS);
        set->tanh_s32(got.q15, got.s8, pre, MAX_ROWS);
        compare(set->isa, "tanh_s32 from", start, 1, 0);
    }
}

static void check_sigmoid_s32(const percepnet_kernels *scalar, const percepnet_kernels *set)
{
    for (int k = 0, n; (n = length(k)); k++) {
        int kind = draw_gates(n);
        scalar->sigmoid_s32(want.q15, pre, n);
        set->sigmoid_s32(got.q15, pre, n);
        compare(set->isa, "sigmoid_s32", n, 1, kind);
    }
    for (int32_t start = -SWEEP; start < SWEEP && this_round == 0; start += MAX_ROWS) {
        count_up(start);
        scalar->sigmoid_s32(want.q15, pre, MAX_ROWS);
        set->sigmoid_s32(got.q15, pre, MAX_ROWS);
        compare(set->isa, "sigmoid_s32 from", start, 1, 0);
    }
}

static void check_gru_s32(const percepnet_kernels *scalar, const percepnet_kernels *set)
{
    for (int k = 0, n; (n = length(k)); k++) {
        int kind = draw_gates(n);
        for (int i = 0; i < n; i++)
            want.q15[i] = got.q15[i] = (int16_t)value(kind, i, -32767, 32767);
        scalar->gru_s32(want.q15, want.s8, pre, hidden, n);
        set->gru_s32(got.q15, got.s8, pre, hidden, n);
        compare(set->isa, "gru_s32", n, 1, kind);
    }
}

/* Spectra of a kind within the bound of the plan: a bin's modulus is below 606 million, so each part
 * below 428; the limit drawn. */
static int32_t draw_spectra(int kind)
{
    static const int32_t limits[] = {1, 200, 70000, 1 << 20, 3 << 27};
    const int32_t limit = limits[between(0, COUNT(limits) - 1)];
    for (int part = 0; part < 4; part++)
        for (int i = 0; i < PERCEPNET_HOP; i++)
            spectra[part][i] = value(next() % 4 ? kind : KINDS - 1, i, -limit, limit);
    clear();
    return limit;
}

static void divide_spectra(int by)
{
    for (int part = 0; part < 4; part++)
        for (int i = 0; i < PERCEPNET_HOP; i++)
            spectra[part][i] /= by;
}

static void check_fft_s32(const percepnet_kernels *scalar, const percepnet_kernels *set)
{
    for (int kind = 0; kind < KINDS; kind++) {
        const int32_t limit = draw_spectra(kind);
        divide_spectra(1024); /* inputs are a 480th of the bound */
        memcpy(want.fft, spectra, sizeof want.fft);
        memcpy(got.fft, spectra, sizeof got.fft);
        scalar->fft_s32(want.fft[0], want.fft[1], want.fft[2], want.fft[3]);
        set->fft_s32(got.fft[0], got.fft[1], got.fft[2], got.fft[3]);
        compare(set->isa, "fft_s32", limit, 1, kind);
    }
}

static void check_unpack_s32(const percepnet_kernels *scalar, const percepnet_kernels *set)
{
    for (int kind = 0; kind < KINDS; kind++) {
        const int32_t limit = draw_spectra(kind);
        divide_spectra(4);
        scalar->unpack_s32(want.fft[0], want.fft[1], want.fft[2], want.fft[3], spectra[2], spectra[3]);
        set->unpack_s32(got.fft[0], got.fft[1], got.fft[2], got.fft[3], spectra[2], spectra[3]);
        compare(set->isa, "unpack_s32", limit, 1, kind);
    }
}

/* sums of two bins and their rotation fit int32 after shifts of 2 or more, so before smaller ones
 * there is a quarter of the size */
static void check_pack_s32(const percepnet_kernels *scalar, const percepnet_kernels *set)
{
    for (int kind = 0; kind < KINDS; kind++) {
        const int32_t limit = draw_spectra(kind);
        const int shift = (int)between(0, 12);
        divide_spectra(shift < 2 ? 4 : 1);
        scalar->pack_s32(want.fft[0], want.fft[1], want.fft[2], want.fft[3], spectra[0], spectra[1], shift);
        set->pack_s32(got.fft[0], got.fft[1], got.fft[2], got.fft[3], spectra[0], spectra[1], shift);
        compare(set->isa, "pack_s32", limit, shift, kind);
    }
}

static void check_erb_inner_s32(const percepnet_kernels *scalar, const percepnet_kernels *set)
{
    for (int kind = 0; kind < KINDS; kind++) {
        const int32_t limit = draw_spectra(kind);
        scalar->erb_inner_s32(want.sums, spectra[0], spectra[1], spectra[2], spectra[3]);
        set->erb_inner_s32(got.sums, spectra[0], spectra[1], spectra[2], spectra[3]);
        compare(set->isa, "erb_inner_s32", limit, 1, kind);
    }
}

static void check_correlate_s16(const percepnet_kernels *scalar, const percepnet_kernels *set)
{
    const int most = (1 << PERCEPNET_PITCH_SEGMENT_BITS) - 1;
    for (int kind = 0; kind < KINDS; kind++) {
        for (int i = 0; i < COUNT(segment); i++)
            segment[i] = (int16_t)value(next() % 4 ? kind : KINDS - 1, i, -most, most);
        clear();
        scalar->correlate_s16(want.s32, segment + PERCEPNET_CORRELATION_LAG_MAX);
        set->correlate_s16(got.s32, segment + PERCEPNET_CORRELATION_LAG_MAX);
        compare(set->isa, "correlate_s16", PERCEPNET_N_CORRELATIONS, 1, kind);
    }
}

/* Every function of a set has its check above: without one this does not compile. */
static void check_all(const percepnet_kernels *scalar, const percepnet_kernels *set)
{
#define CHECK(kernel) check_##kernel(scalar, set);
    PERCEPNET_EACH_KERNEL(CHECK)
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    const percepnet_kernels *scalar = percepnet_kernel_sets[0];
    printf("kernel_check: seed %llu\n", (unsigned long long)seed);
    for (int s = 0; percepnet_kernel_sets[s]; s++) {
        const percepnet_kernels *set = percepnet_kernel_sets[s];
        int failed = failures;
        if (!percepnet_kernels_run_here(set)) {
            printf("  %s: not on this CPU\n", set->isa);
            continue;
        }
        state = seed;
        cases = 0;
        for (this_round = 0; this_round < ROUNDS; this_round++)
            check_all(scalar, set);
        printf("  %s: %d of %d cases differ from scalar\n", set->isa, failures - failed, cases);
    }
    return failures ? 1 : 0;
}
