/* int8 matrix times int8 vector: the definition that every other kernel equals. */
#include "fixed.h"
#include "kernels.h"

enum { DEPTH = 4 };

/* the next n rows; returns the weights of the row after */
static const int8_t *block(int32_t *out_q12, const percepnet_matrix *m, const int8_t *w, int row,
                           int n, const int8_t *x)
{
    int32_t acc[16];
    for (int r = 0; r < n; r++)
        acc[r] = m->bias[row + r];
    for (int col = 0; col < m->cols; col += DEPTH)
        for (int r = 0; r < n; r++, w += DEPTH)
            for (int k = 0; k < DEPTH; k++)
                acc[r] += w[k] * x[col + k];
    for (int r = 0; r < n; r++)
        out_q12[row + r] = (int32_t)mul_q(acc[r], m->mult[row + r], m->shift);
    return w;
}

void percepnet_matvec_s8_scalar(int32_t *out_q12, const percepnet_matrix *m, const int8_t *x)
{
    const int8_t *w = m->weight;
    int row = 0;
    for (; row + 16 <= m->rows; row += 16)
        w = block(out_q12, m, w, row, 16, x);
    for (; row < m->rows; row += 4)
        w = block(out_q12, m, w, row, 4, x);
}
