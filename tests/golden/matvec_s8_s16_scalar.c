/* int8 matrix times int16 vector, the features: the definition that every other kernel equals. */
#include "fixed.h"
#include "kernels.h"

/* the next n rows; returns the weights of the row after */
static const int8_t *block(int32_t *out_q12, const percepnet_matrix *m, const int8_t *w, int row,
                           int n, const int16_t *x)
{
    int32_t acc[16];
    for (int r = 0; r < n; r++)
        acc[r] = m->bias[row + r];
    for (int col = 0; col < m->cols; col++)
        for (int r = 0; r < n; r++)
            acc[r] += *w++ * x[col];
    for (int r = 0; r < n; r++)
        out_q12[row + r] = (int32_t)mul_q(acc[r], m->mult[row + r], m->shift);
    return w;
}

void percepnet_matvec_s8_s16_scalar(int32_t *out_q12, const percepnet_matrix *m, const int16_t *x)
{
    const int8_t *w = m->weight;
    int row = 0;
    for (; row + 16 <= m->rows; row += 16)
        w = block(out_q12, m, w, row, 16, x);
    for (; row < m->rows; row += 4)
        w = block(out_q12, m, w, row, 4, x);
}
