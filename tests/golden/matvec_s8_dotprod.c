/* int8 matrix times int8 vector with SDOT by element: 4 columns of 4 rows an instruction. */
#include "kernels.h"

#if defined(__aarch64__)
#if !defined(__ARM_FEATURE_DOTPROD)
#error "compile this file with -march=armv8.2-a+dotprod; it runs only where the CPU has it"
#endif
#include "neon.h"

void percepnet_matvec_s8_dotprod(int32_t *out_q12, const percepnet_matrix *m, const int8_t *x)
{
    const int64x2_t left = vdupq_n_s64(-m->shift);
    const int8_t *w = m->weight, *end = x + m->cols;
    const int32_t *bias = m->bias, *mult = m->mult;
    int row = m->rows;
    for (; row >= 16; row -= 16) {
        int32x4_t acc0 = vld1q_s32(bias), acc1 = vld1q_s32(bias + 4);
        int32x4_t acc2 = vld1q_s32(bias + 8), acc3 = vld1q_s32(bias + 12);
        for (const int8_t *at = x; at != end; at += 32) {
            int8x16_t low = vld1q_s8(at), high = vld1q_s8(at + 16);
            int8x16x4_t a;
            a = next64(&w);
            acc0 = vdotq_laneq_s32(acc0, a.val[0], low, 0);
            acc1 = vdotq_laneq_s32(acc1, a.val[1], low, 0);
            acc2 = vdotq_laneq_s32(acc2, a.val[2], low, 0);
            acc3 = vdotq_laneq_s32(acc3, a.val[3], low, 0);
            a = next64(&w);
            acc0 = vdotq_laneq_s32(acc0, a.val[0], low, 1);
            acc1 = vdotq_laneq_s32(acc1, a.val[1], low, 1);
            acc2 = vdotq_laneq_s32(acc2, a.val[2], low, 1);
            acc3 = vdotq_laneq_s32(acc3, a.val[3], low, 1);
            a = next64(&w);
            acc0 = vdotq_laneq_s32(acc0, a.val[0], low, 2);
            acc1 = vdotq_laneq_s32(acc1, a.val[1], low, 2);
            acc2 = vdotq_laneq_s32(acc2, a.val[2], low, 2);
            acc3 = vdotq_laneq_s32(acc3, a.val[3], low, 2);
            a = next64(&w);
            acc0 = vdotq_laneq_s32(acc0, a.val[0], low, 3);
            acc1 = vdotq_laneq_s32(acc1, a.val[1], low, 3);
            acc2 = vdotq_laneq_s32(acc2, a.val[2], low, 3);
            acc3 = vdotq_laneq_s32(acc3, a.val[3], low, 3);
            a = next64(&w);
            acc0 = vdotq_laneq_s32(acc0, a.val[0], high, 0);
            acc1 = vdotq_laneq_s32(acc1, a.val[1], high, 0);
            acc2 = vdotq_laneq_s32(acc2, a.val[2], high, 0);
            acc3 = vdotq_laneq_s32(acc3, a.val[3], high, 0);
            a = next64(&w);
            acc0 = vdotq_laneq_s32(acc0, a.val[0], high, 1);
            acc1 = vdotq_laneq_s32(acc1, a.val[1], high, 1);
            acc2 = vdotq_laneq_s32(acc2, a.val[2], high, 1);
            acc3 = vdotq_laneq_s32(acc3, a.val[3], high, 1);
            a = next64(&w);
            acc0 = vdotq_laneq_s32(acc0, a.val[0], high, 2);
            acc1 = vdotq_laneq_s32(acc1, a.val[1], high, 2);
            acc2 = vdotq_laneq_s32(acc2, a.val[2], high, 2);
            acc3 = vdotq_laneq_s32(acc3, a.val[3], high, 2);
            a = next64(&w);
            acc0 = vdotq_laneq_s32(acc0, a.val[0], high, 3);
            acc1 = vdotq_laneq_s32(acc1, a.val[1], high, 3);
            acc2 = vdotq_laneq_s32(acc2, a.val[2], high, 3);
            acc3 = vdotq_laneq_s32(acc3, a.val[3], high, 3);
        }
        requantise(&out_q12, acc0, &mult, left);
        requantise(&out_q12, acc1, &mult, left);
        requantise(&out_q12, acc2, &mult, left);
        requantise(&out_q12, acc3, &mult, left);
        bias += 16;
    }
    for (; row > 0; row -= 4) {
        int32x4_t acc = vld1q_s32(bias);
        for (const int8_t *at = x; at != end; at += 16) {
            int8x16_t x16 = vld1q_s8(at);
            int8x16x4_t a = next64(&w);
            acc = vdotq_laneq_s32(acc, a.val[0], x16, 0);
            acc = vdotq_laneq_s32(acc, a.val[1], x16, 1);
            acc = vdotq_laneq_s32(acc, a.val[2], x16, 2);
            acc = vdotq_laneq_s32(acc, a.val[3], x16, 3);
        }
        requantise(&out_q12, acc, &mult, left);
        bias += 4;
    }
}
#endif
