/* int8 matrix times int8 columns: the definition that every other kernel equals. */
#include "fixed.h"
#include "kernels.h"

enum { DEPTH = 4 };

static void block16(int32_t *out_6k, const percepnet_matrix *m, int row, const int8_t *x)
{
    const int8_t *w = m->weight + row * m->cols;
    int32_t acc[16];
    for (int r = 0; r < 16; r++)
        acc[r] = m->bias[row + r];
    for (int col = 0; col < m->cols; col += DEPTH)
        for (int r = 0; r < 16; r++, w += DEPTH)
            for (int k = 0; k < DEPTH; k++)
                acc[r] += w[k] * x[col + k];
    for (int r = 0; r < 16; r++)
        out_6k[row + r] = (int32_t)mul_q(acc[r], m->mult[row + r], 31);
}

static void block4(int32_t *out_6k, const percepnet_matrix *m, int row, const int8_t *x)
{
    const int8_t *w = m->weight + row * m->cols;
    int32_t acc[4];
    for (int r = 0; r < 4; r++)
        acc[r] = m->bias[row + r];
    for (int col = 0; col < m->cols; col += DEPTH)
        for (int r = 0; r < 4; r++, w += DEPTH)
            for (int k = 0; k < DEPTH; k++)
                acc[r] += w[k] * x[col + k];
    for (int r = 0; r < 4; r++)
        out_6k[row + r] = (int32_t)mul_q(acc[r], m->mult[row + r], 31);
}

/* All columns of a block of rows while its weights lie in the first cache. */
void percepnet_matmul_s8_scalar(int32_t *out_6k, const percepnet_matrix *matrix, const int8_t *x,
                               int stride, int columns)
{
    const percepnet_matrix copy = *matrix, *m = &copy; /* which no store to out_6k can change */
    int row = 0;
    for (; row + 16 <= m->rows; row += 16)
        for (int c = 0; c < columns; c++)
            block16(out_6k + c * m->rows, m, row, x + c * stride);
    for (; row < m->rows; row += 4)
        for (int c = 0; c < columns; c++)
            block4(out_6k + c * m->rows, m, row, x + c * stride);
}
