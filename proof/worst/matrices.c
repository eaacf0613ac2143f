/* Every matrix with its shipped weights at its worst case, under the sanitizers:
 * with |w|, |bias| and the largest input everywhere, each partial sum is as large as the size of
 * that sum can be for any input, and no address depends on data. Prints the pre-activations'. */
#include <stdio.h>
#include <stdlib.h>

#include "dnn.h"
#include "params.h"
#include "ranges.h"

static int wrong;

static int size_of(int x)
{
    return x < 0 ? -x : x;
}

/* packed weights: of a sparse matrix 16 x 4 in each block that is there, and the rows left over */
static int weights_of(const percepnet_matrix *m)
{
    int count = m->index ? m->rows % 16 * m->cols : m->rows * m->cols;
    const uint16_t *index = m->index;
    for (int row = 0; index && row + 16 <= m->rows; row += 16, index += *index + 1)
        count += 64 * *index;
    return count;
}

static percepnet_matrix worst(const percepnet_matrix *m)
{
    const int count = weights_of(m);
    int8_t *weight = malloc((size_t)count);
    int32_t *bias = malloc(sizeof *bias * (size_t)m->rows);
    for (int i = 0; i < count; i++)
        weight[i] = (int8_t)size_of(m->weight[i]);
    for (int i = 0; i < m->rows; i++)
        bias[i] = size_of(m->bias[i]);
    return (percepnet_matrix){weight, NULL, m->index, bias, m->mult, NULL, m->rows, m->cols};
}

static void check(const char *name, const percepnet_matrix *shipped, int features, int bound)
{
    const percepnet_matrix m = worst(shipped);
    const int columns = PERCEPNET_BLOCK;
    int32_t *out_6k = malloc(sizeof *out_6k * (size_t)(m.rows * columns));
    int16_t *x_s16 = malloc(sizeof *x_s16 * (size_t)(m.cols * columns));
    int8_t *x_s8 = malloc((size_t)(m.cols * columns));
    for (int i = 0; i < m.cols * columns; i++) {
        x_s16[i] = INT16_MIN; /* the larger end; the sums are then negative */
        x_s8[i] = 127;
    }
    if (features) {
        int32_t *bias = (int32_t *)m.bias;
        for (int i = 0; i < m.rows; i++)
            bias[i] = -bias[i];
        percepnet_matmul_s8_s16_scalar(out_6k, &m, x_s16, m.cols, columns);
    } else {
        percepnet_matmul_s8_scalar(out_6k, &m, x_s8, m.cols, columns);
    }
    int largest = 0;
    for (int i = 0; i < m.rows * columns; i++)
        largest = size_of(out_6k[i]) > largest ? size_of(out_6k[i]) : largest;
    printf("%s %d x %d: pre-activations at most %d, plan %d\n", name, m.rows, m.cols, largest,
           bound);
    wrong |= largest > bound;
    free(out_6k), free(x_s16), free(x_s8), free((void *)m.weight), free((void *)m.bias);
}

int main(void)
{
#define CHECK(name, features, bound) check(#name, &percepnet_##name, features, bound);
    MATRICES(CHECK)
    return wrong;
}
