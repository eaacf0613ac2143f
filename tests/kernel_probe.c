/* Two sets of kernels for kernel_check: the scalar one, and one that does the same and writes down
 * to the file `calls` what it was called with: six numbers and then arrays, the kernel first. */
#include <stdio.h>

#include "kernels.h"
#include "params.h"

enum { MATMUL_S8, MATMUL_S8_S16, TANH, SIGMOID, GRU, FFT, UNPACK, PACK, ERB, CORRELATE };

static FILE *calls;

static void head(int kernel, int a, int b, int c, int d, int e)
{
    const int32_t numbers[] = {kernel, a, b, c, d, e};
    calls = calls ? calls : fopen("calls", "wb");
    fwrite(numbers, sizeof numbers, 1, calls);
}

#define PUT(from, count) fwrite((from), sizeof *(from), (size_t)(count), calls)

static void matmul_s8(int32_t *out_6k, const percepnet_matrix *m, const int8_t *x, int stride, int columns)
{
    static const uint16_t none[1];
    int held = 0;
    for (int row = 0; m->index && row < m->rows / 16; row++)
        held += m->index[held] + 1;
    head(MATMUL_S8, m->rows, m->cols, stride, columns, m->index ? held : -1);
    PUT(m->weight, m->rows * m->cols);
    PUT(m->weight_i8mm, m->rows * (m->cols + 4));
    PUT(m->index ? m->index : none, held);
    PUT(m->bias, m->rows);
    PUT(m->mult, m->rows);
    PUT(m->bias_raised, m->rows);
    PUT(x, (columns - 1) * stride + m->cols);
    percepnet_matmul_s8_scalar(out_6k, m, x, stride, columns);
}

static void matmul_s8_s16(int32_t *out_6k, const percepnet_matrix *m, const int16_t *x, int stride,
                          int columns)
{
    head(MATMUL_S8_S16, m->rows, m->cols, stride, columns, -1);
    PUT(m->weight, m->rows * m->cols);
    PUT(m->bias, m->rows);
    PUT(m->mult, m->rows);
    PUT(x, (columns - 1) * stride + m->cols);
    percepnet_matmul_s8_s16_scalar(out_6k, m, x, stride, columns);
}

static void tanh_s32(int16_t *out_q15, int8_t *out_s8, const int32_t *pre_6k, int n)
{
    head(TANH, n, 0, 0, 0, 0);
    PUT(pre_6k, n);
    percepnet_tanh_s32_scalar(out_q15, out_s8, pre_6k, n);
}

static void sigmoid_s32(int16_t *out_q15, const int32_t *half_6k, int n)
{
    head(SIGMOID, n, 0, 0, 0, 0);
    PUT(half_6k, n);
    percepnet_sigmoid_s32_scalar(out_q15, half_6k, n);
}

static void gru_s32(int16_t *h_q15, int8_t *h_s8, const int32_t *x_6k, const int32_t *hidden_6k, int units)
{
    head(GRU, units, 0, 0, 0, 0);
    PUT(h_q15, units);
    PUT(x_6k, 3 * units);
    PUT(hidden_6k, 3 * units);
    percepnet_gru_s32_scalar(h_q15, h_s8, x_6k, hidden_6k, units);
}

static void spectra(int kernel, const int32_t *a, const int32_t *b, const int32_t *c, const int32_t *d,
                    int shift)
{
    head(kernel, shift, 0, 0, 0, 0);
    PUT(a, PERCEPNET_HOP);
    PUT(b, PERCEPNET_HOP);
    if (c) {
        PUT(c, PERCEPNET_HOP);
        PUT(d, PERCEPNET_HOP);
    }
}

static void fft_s32(int32_t *a_re, int32_t *a_im, int32_t *b_re, int32_t *b_im)
{
    spectra(FFT, a_re, a_im, NULL, NULL, 0);
    percepnet_fft_s32_scalar(a_re, a_im, b_re, b_im);
}

static void unpack_s32(int32_t *low_re, int32_t *low_im, int32_t *high_re, int32_t *high_im,
                       const int32_t *z_re, const int32_t *z_im)
{
    spectra(UNPACK, z_re, z_im, NULL, NULL, 0);
    percepnet_unpack_s32_scalar(low_re, low_im, high_re, high_im, z_re, z_im);
}

static void pack_s32(int32_t *low_re, int32_t *low_im, int32_t *high_re, int32_t *high_im,
                     const int32_t *x_re, const int32_t *x_im, int shift)
{
    spectra(PACK, x_re, x_im, NULL, NULL, shift);
    percepnet_pack_s32_scalar(low_re, low_im, high_re, high_im, x_re, x_im, shift);
}

static void erb_inner_s32(int64_t *sums, const int32_t *a_re, const int32_t *a_im, const int32_t *b_re,
                          const int32_t *b_im)
{
    spectra(ERB, a_re, a_im, b_re, b_im, 0);
    percepnet_erb_inner_s32_scalar(sums, a_re, a_im, b_re, b_im);
}

static void correlate_s16(int32_t *cross, const int16_t *newest)
{
    head(CORRELATE, 0, 0, 0, 0, 0);
    PUT(newest - PERCEPNET_CORRELATION_LAG_MAX, PERCEPNET_PITCH_SEGMENT);
    percepnet_correlate_s16_scalar(cross, newest);
}

#define SCALAR(kernel) .kernel = percepnet_##kernel##_scalar,
#define PROBE(kernel) .kernel = kernel,
static const percepnet_kernels scalar = {.isa = "scalar", PERCEPNET_EACH_KERNEL(SCALAR)};
static const percepnet_kernels probe = {.isa = "probe", PERCEPNET_EACH_KERNEL(PROBE)};
const percepnet_kernels *const percepnet_kernel_sets[] = {&scalar, &probe, NULL};

int percepnet_kernels_run_here(const percepnet_kernels *set)
{
    return set != NULL;
}
