/* int8 matrix times int16 columns, the features: the definition that every other kernel equals. */
#include "fixed.h"
#include "kernels.h"

static void block16(int32_t *out_6k, const percepnet_matrix *m, int row, percepnet_blocks b,
                    const int16_t *x)
{
    const int8_t *w = b.weight;
    int32_t acc[16];
    for (int r = 0; r < 16; r++)
        acc[r] = m->bias[row + r];
    for (int i = 0; i < b.groups; i++) {
        const int16_t *in = x + 2 * percepnet_group(b, i);
        for (int r = 0; r < 16; r++, w += 2)
            for (int k = 0; k < 2; k++)
                acc[r] += w[k] * in[k];
    }
    for (int r = 0; r < 16; r++)
        out_6k[row + r] = (int32_t)mul_q(acc[r], m->mult[row + r], 31);
}

static void block4(int32_t *out_6k, const percepnet_matrix *m, int row, percepnet_blocks b,
                    const int16_t *x)
{
    const int8_t *w = b.weight;
    int32_t acc[4];
    for (int r = 0; r < 4; r++)
        acc[r] = m->bias[row + r];
    for (int i = 0; i < b.groups; i++) {
        const int16_t *in = x + 2 * percepnet_group(b, i);
        for (int r = 0; r < 4; r++, w += 2)
            for (int k = 0; k < 2; k++)
                acc[r] += w[k] * in[k];
    }
    for (int r = 0; r < 4; r++)
        out_6k[row + r] = (int32_t)mul_q(acc[r], m->mult[row + r], 31);
}

/* All columns of a block of rows while its weights lie in the first cache. */
void percepnet_matmul_s8_s16_scalar(int32_t *out_6k, const percepnet_matrix *matrix, const int16_t *x,
                               int stride, int columns)
{
    const percepnet_matrix copy = *matrix, *m = &copy; /* which no store to out_6k can change */
    int row = 0;
    percepnet_blocks b = {m->weight, m->index, m->cols / 2};
    for (; row + 16 <= m->rows; row += 16) {
        if (b.index)
            b.groups = *b.index++;
        for (int c = 0; c < columns; c++)
            block16(out_6k + c * m->rows, m, row, b, x + c * stride);
b.weight += 32 * b.groups;
        if (b.index)
            b.index += b.groups;
    }
    b = (percepnet_blocks){b.weight, NULL, m->cols / 2};
    for (; row < m->rows; row += 4, b.weight += 4 * m->cols)
        for (int c = 0; c < columns; c++)
            block4(out_6k + c * m->rows, m, row, b, x + c * stride);
}
