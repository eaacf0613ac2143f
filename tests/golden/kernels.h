/* Kernels of network and signal: one set for each instruction set, all callable side by side, all
 * equal to the scalar ones bit for bit. */
#ifndef PERCEPNET_KERNELS_H
#define PERCEPNET_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* int8 weights in blocks of 16 rows, then of 4; within a block column groups of 4 (int8
 * inputs) or of 2 (int16 inputs), row after row. rows: a multiple of 4; cols: of 32 for
 * int8 inputs, of 2 for int16 inputs. What fills up is zero. A sparse matrix of int8 inputs holds of every 16
 * rows only some column groups, by its index: their number, then which; one block of zeros follows. */
typedef struct {
    const int8_t *weight;
    const int8_t *weight_i8mm; /* arm64: column groups of 8, or two of 4; none where only one column comes */
    const uint16_t *index; /* none: all blocks are there */
    const int32_t *bias, *mult;
    const int32_t *bias_raised; /* x86: bias of inputs raised by 128 */
    int32_t rows, cols;
} percepnet_matrix;

/* What 16 rows hold: block i is of column group index[i], without an index of group i. */
typedef struct {
    const int8_t *weight;
    const uint16_t *index;
    int groups;
} percepnet_blocks;

static inline int percepnet_group(percepnet_blocks blocks, int i)
{
    return blocks.index ? blocks.index[i] : i;
}

#define PERCEPNET_COLS_MAX 512 /* of int8 inputs */

/* Every shape of the network's matrices as they are packed, by the depth of their column groups. */
#define PERCEPNET_EACH_SHAPE(DO) \
    DO(4, 64, 4) \
    DO(8, 70, 2) \
    DO(12, 32, 4) \
    DO(12, 64, 4) \
    DO(16, 32, 4) \
    DO(36, 32, 4) \
    DO(36, 64, 4) 

/* Every function of a set, for what has to be done with each. */
#define PERCEPNET_EACH_KERNEL(DO) \
    DO(matmul_s8) \
    DO(matmul_s8_s16) \
    DO(tanh_s32) \
    DO(sigmoid_s32) \
    DO(gru_s32) \
    DO(fft_s32) \
    DO(unpack_s32) \
    DO(pack_s32) \
    DO(erb_inner_s32) \
    DO(correlate_s16) \

typedef struct {
    const char *isa;
    /* out_6k[rows] = rshift_round((bias + w x) * mult, 31), for 1..4 columns x of cols values,
     * -127..127; column c begins at x[c * stride], its result at out_6k[c * rows] */
    void (*matmul_s8)(int32_t *out_6k, const percepnet_matrix *m, const int8_t *x, int stride,
        int columns);
    /* the same of any int16_t */
    void (*matmul_s8_s16)(int32_t *out_6k, const percepnet_matrix *m, const int16_t *x,
        int stride, int columns);
    /* n of each from pre-activations in steps of 1/6000; out_s8: as matrix inputs, step 1/127 */
    void (*tanh_s32)(int16_t *out_q15, int8_t *out_s8, const int32_t *pre_6k, int n);
    /* from halves of them */
    void (*sigmoid_s32)(int16_t *out_q15, const int32_t *half_6k, int n);
    /* torch.nn.GRU from its pre-activations of input and hidden state, each r, z, n of `units`,
     * r and z halved: n = tanh(x_n + r h_n), h' = n + z (h - n); h' lies between n and h, so
     * nothing saturates; h_s8: h' as matrix inputs */
    void (*gru_s32)(int16_t *h_q15, int8_t *h_s8, const int32_t *x_6k, const int32_t *hidden_6k,
        int units);
    /* 480 complex values from a to b, which hold others afterwards */
    void (*fft_s32)(int32_t *a_re, int32_t *a_im, int32_t *b_re, int32_t *b_im);
    /* 960 real values as 480 complex ones: bins k and 480 - k from values k and 480 - k of the
     * FFT, k in 1..239; low[k] is bin k, high[239 - k] bin 480 - k */
    void (*unpack_s32)(int32_t *low_re, int32_t *low_im, int32_t *high_re, int32_t *high_im,
        const int32_t *z_re, const int32_t *z_im);
    /* the inverse, of bins scaled by 2^-shift */
    void (*pack_s32)(int32_t *low_re, int32_t *low_im, int32_t *high_re, int32_t *high_im,
        const int32_t *x_re, const int32_t *x_im, int shift);
    /* <a, b> of each band, see erb.h; may read up to bin ACTIVE_BINS + 3 */
    void (*erb_inner_s32)(int64_t *sums, const int32_t *a_re, const int32_t *a_im,
        const int32_t *b_re, const int32_t *b_im);
    /* sums of newest[i] newest[i - lag] over the correlation window, one a lag from LAG_MIN on */
    void (*correlate_s16)(int32_t *cross, const int16_t *newest);
} percepnet_kernels;

/* Sets from the slowest (scalar) to the fastest that this build holds, ended by NULL. */
extern const percepnet_kernels *const percepnet_kernel_sets[];

/* 1 if this CPU has the instructions of the set */
int percepnet_kernels_run_here(const percepnet_kernels *set);

/* the fastest set that this CPU can run */
const percepnet_kernels *percepnet_kernels_choose(void);

void percepnet_matmul_s8_scalar(int32_t *out_6k, const percepnet_matrix *m, const int8_t *x,
        int stride, int columns);
void percepnet_matmul_s8_neon(int32_t *out_6k, const percepnet_matrix *m, const int8_t *x,
        int stride, int columns);
void percepnet_matmul_s8_dotprod(int32_t *out_6k, const percepnet_matrix *m,
        const int8_t *x, int stride, int columns);
void percepnet_matmul_s8_i8mm(int32_t *out_6k, const percepnet_matrix *m, const int8_t *x,
        int stride, int columns);
void percepnet_matmul_s8_avx2(int32_t *out_6k, const percepnet_matrix *m, const int8_t *x,
        int stride, int columns);
void percepnet_matmul_s8_vnni(int32_t *out_6k, const percepnet_matrix *m, const int8_t *x,
        int stride, int columns);
void percepnet_matmul_s8_simd128(int32_t *out_6k, const percepnet_matrix *m,
        const int8_t *x, int stride, int columns);
void percepnet_matmul_s8_helium(int32_t *out_6k, const percepnet_matrix *m, const int8_t *x,
        int stride, int columns);
void percepnet_matmul_s8_s16_scalar(int32_t *out_6k, const percepnet_matrix *m,
        const int16_t *x, int stride, int columns);
void percepnet_matmul_s8_s16_neon(int32_t *out_6k, const percepnet_matrix *m,
        const int16_t *x, int stride, int columns);
void percepnet_matmul_s8_s16_avx2(int32_t *out_6k, const percepnet_matrix *m,
        const int16_t *x, int stride, int columns);
void percepnet_matmul_s8_s16_simd128(int32_t *out_6k, const percepnet_matrix *m,
        const int16_t *x, int stride, int columns);
void percepnet_tanh_s32_scalar(int16_t *out_q15, int8_t *out_s8, const int32_t *pre_6k,
        int n);
void percepnet_sigmoid_s32_scalar(int16_t *out_q15, const int32_t *half_6k, int n);
void percepnet_gru_s32_scalar(int16_t *h_q15, int8_t *h_s8, const int32_t *x_6k,
        const int32_t *hidden_6k, int units);
void percepnet_tanh_s32_neon(int16_t *out_q15, int8_t *out_s8, const int32_t *pre_6k,
        int n);
void percepnet_sigmoid_s32_neon(int16_t *out_q15, const int32_t *half_6k, int n);
void percepnet_gru_s32_neon(int16_t *h_q15, int8_t *h_s8, const int32_t *x_6k,
        const int32_t *hidden_6k, int units);
void percepnet_tanh_s32_avx2(int16_t *out_q15, int8_t *out_s8, const int32_t *pre_6k,
        int n);
void percepnet_sigmoid_s32_avx2(int16_t *out_q15, const int32_t *half_6k, int n);
void percepnet_gru_s32_avx2(int16_t *h_q15, int8_t *h_s8, const int32_t *x_6k,
        const int32_t *hidden_6k, int units);
void percepnet_tanh_s32_simd128(int16_t *out_q15, int8_t *out_s8, const int32_t *pre_6k,
        int n);
void percepnet_sigmoid_s32_simd128(int16_t *out_q15, const int32_t *half_6k, int n);
void percepnet_gru_s32_simd128(int16_t *h_q15, int8_t *h_s8, const int32_t *x_6k,
        const int32_t *hidden_6k, int units);
void percepnet_tanh_s32_helium(int16_t *out_q15, int8_t *out_s8, const int32_t *pre_6k,
        int n);
void percepnet_sigmoid_s32_helium(int16_t *out_q15, const int32_t *half_6k, int n);
void percepnet_gru_s32_helium(int16_t *h_q15, int8_t *h_s8, const int32_t *x_6k,
        const int32_t *hidden_6k, int units);
void percepnet_fft_s32_scalar(int32_t *a_re, int32_t *a_im, int32_t *b_re, int32_t *b_im);
void percepnet_unpack_s32_scalar(int32_t *low_re, int32_t *low_im, int32_t *high_re,
        int32_t *high_im, const int32_t *z_re, const int32_t *z_im);
void percepnet_pack_s32_scalar(int32_t *low_re, int32_t *low_im, int32_t *high_re,
        int32_t *high_im, const int32_t *x_re, const int32_t *x_im, int shift);
void percepnet_fft_s32_neon(int32_t *a_re, int32_t *a_im, int32_t *b_re, int32_t *b_im);
void percepnet_unpack_s32_neon(int32_t *low_re, int32_t *low_im, int32_t *high_re,
        int32_t *high_im, const int32_t *z_re, const int32_t *z_im);
void percepnet_pack_s32_neon(int32_t *low_re, int32_t *low_im, int32_t *high_re,
        int32_t *high_im, const int32_t *x_re, const int32_t *x_im, int shift);
void percepnet_fft_s32_avx2(int32_t *a_re, int32_t *a_im, int32_t *b_re, int32_t *b_im);
void percepnet_unpack_s32_avx2(int32_t *low_re, int32_t *low_im, int32_t *high_re,
        int32_t *high_im, const int32_t *z_re, const int32_t *z_im);
void percepnet_pack_s32_avx2(int32_t *low_re, int32_t *low_im, int32_t *high_re,
        int32_t *high_im, const int32_t *x_re, const int32_t *x_im, int shift);
void percepnet_fft_s32_simd128(int32_t *a_re, int32_t *a_im, int32_t *b_re, int32_t *b_im);
void percepnet_unpack_s32_simd128(int32_t *low_re, int32_t *low_im, int32_t *high_re,
        int32_t *high_im, const int32_t *z_re, const int32_t *z_im);
void percepnet_pack_s32_simd128(int32_t *low_re, int32_t *low_im, int32_t *high_re,
        int32_t *high_im, const int32_t *x_re, const int32_t *x_im, int shift);
void percepnet_fft_s32_helium(int32_t *a_re, int32_t *a_im, int32_t *b_re, int32_t *b_im);
void percepnet_unpack_s32_helium(int32_t *low_re, int32_t *low_im, int32_t *high_re,
        int32_t *high_im, const int32_t *z_re, const int32_t *z_im);
void percepnet_pack_s32_helium(int32_t *low_re, int32_t *low_im, int32_t *high_re,
        int32_t *high_im, const int32_t *x_re, const int32_t *x_im, int shift);
void percepnet_erb_inner_s32_scalar(int64_t *sums, const int32_t *a_re, const int32_t *a_im,
        const int32_t *b_re, const int32_t *b_im);
void percepnet_erb_inner_s32_neon(int64_t *sums, const int32_t *a_re, const int32_t *a_im,
        const int32_t *b_re, const int32_t *b_im);
void percepnet_erb_inner_s32_avx2(int64_t *sums, const int32_t *a_re, const int32_t *a_im,
        const int32_t *b_re, const int32_t *b_im);
void percepnet_erb_inner_s32_helium(int64_t *sums, const int32_t *a_re, const int32_t *a_im,
        const int32_t *b_re, const int32_t *b_im);
void percepnet_correlate_s16_scalar(int32_t *cross, const int16_t *newest);
void percepnet_correlate_s16_neon(int32_t *cross, const int16_t *newest);
void percepnet_correlate_s16_avx2(int32_t *cross, const int16_t *newest);
void percepnet_correlate_s16_simd128(int32_t *cross, const int16_t *newest);
void percepnet_correlate_s16_helium(int32_t *cross, const int16_t *newest);

#endif
