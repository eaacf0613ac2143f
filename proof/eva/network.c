#include "prove.h"

#include <stddef.h>

#include "stage/dnn.c"

#define MATRIX(name, rows, cols) const percepnet_matrix percepnet_##name = {0, 0, 0, 0, 0, 0, rows, cols};
SHAPES(MATRIX)

static struct memory {
    percepnet_dnn_state st;
    percepnet_dnn_io io;
} all;

/* whether bytes from p on lie within one array of the state or of the outputs */
static int is_in_one(const void *p, long bytes)
{
    const long from = (const char *)p - (const char *)&all, to = from + bytes;
#define HOLDS(member) \
    || (from >= (long)offsetof(struct memory, member) \
        && to <= (long)(offsetof(struct memory, member) + sizeof all.member))
#define BUFFER(name) HOLDS(st.name)
    return 0 BUFFER(pre_6k) BUFFER(pre_hidden_6k) BUFFERS(BUFFER) HOLDS(io.features_q12) HOLDS(io.gain_q15)
        HOLDS(io.strength_q15) HOLDS(io.vad_q15);
}

static void must(int truth)
{
    //@ assert truth == 1;
    (void)truth;
}

#define READ(p, count) must(is_in_one(p, (long)sizeof *(p) * (count)))
#define WRITE(p, count) \
    (must(is_in_one(p, (long)sizeof *(p) * (count))), \
     Frama_C_make_unknown((char *)(p), sizeof *(p) * (size_t)(count)))
/* a kernel may read on behind what a matrix has weights for, within the state */
#define READ_ON(p, count) must((const char *)((p) + (count)) <= (const char *)(&all.st + 1))

static void matmul_s8(int32_t *out_6k, const percepnet_matrix *m, const int8_t *x, int stride, int columns)
{
    READ_ON(x, (columns - 1) * stride + m->cols);
    WRITE(out_6k, columns * m->rows);
}

static void matmul_s8_s16(int32_t *out_6k, const percepnet_matrix *m, const int16_t *x, int stride,
                          int columns)
{
    READ(x, (columns - 1) * stride + m->cols);
    WRITE(out_6k, columns * m->rows);
}

static void tanh_s32(int16_t *out_q15, int8_t *out_s8, const int32_t *pre_6k, int n)
{
    READ(pre_6k, n);
    WRITE(out_q15, n);
    WRITE(out_s8, n);
}

static void sigmoid_s32(int16_t *out_q15, const int32_t *half_6k, int n)
{
    READ(half_6k, n);
    WRITE(out_q15, n);
}

static void gru_s32(int16_t *h_q15, int8_t *h_s8, const int32_t *x_6k, const int32_t *hidden_6k, int units)
{
    READ(x_6k, 3 * units);
    READ(hidden_6k, 3 * units);
    READ(h_q15, units);
    WRITE(h_q15, units);
    WRITE(h_s8, units);
}

/* every kernel is called with rows, columns and places that lie in one array each, in any block */
void prove_layers(void)
{
    const percepnet_kernels kernels = {.matmul_s8 = matmul_s8,
                                       .matmul_s8_s16 = matmul_s8_s16,
                                       .tanh_s32 = tanh_s32,
                                       .sigmoid_s32 = sigmoid_s32,
                                       .gru_s32 = gru_s32};
    EACH(frames, PERCEPNET_BLOCK)
    percepnet_dnn_run(&all.st, &kernels, &all.io, frames + 1);
    END();
}
