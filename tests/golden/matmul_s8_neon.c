/* int8 matrix times int8 columns with SMULL, SMLAL, SADALP: two products of at most 127 * 127 add
 * up in int16 (32258), pairs of inputs go on in int32. */
#include "kernels.h"

#if defined(__ARM_NEON)
#include "neon.h"

typedef struct {
    int32x4_t low, high; /* rows 0 0 1 1 and 2 2 3 3: each row in two lanes */
} rows4;

/* rows += a x + b y; x, y: 4 inputs, four times */
static inline rows4 accumulate(rows4 rows, int8x16_t a, int8x16_t x, int8x16_t b, int8x16_t y)
{
    int16x8_t low = vmull_s8(vget_low_s8(a), vget_low_s8(x));
    low = vmlal_s8(low, vget_low_s8(b), vget_low_s8(y));
#if defined(__aarch64__)
    int16x8_t high = vmlal_high_s8(vmull_high_s8(a, x), b, y);
#else
    int16x8_t high = vmull_s8(vget_high_s8(a), vget_high_s8(x));
    high = vmlal_s8(high, vget_high_s8(b), vget_high_s8(y));
#endif
    return (rows4){vpadalq_s16(rows.low, low), vpadalq_s16(rows.high, high)};
}

static inline int32x4_t sums(rows4 rows)
{
#if defined(__aarch64__)
    return vpaddq_s32(rows.low, rows.high);
#else
    return vcombine_s32(vpadd_s32(vget_low_s32(rows.low), vget_high_s32(rows.low)),
                        vpadd_s32(vget_low_s32(rows.high), vget_high_s32(rows.high)));
#endif
}

/* inputs 4 group..4 group + 3 of 16, four times */
static inline int8x16_t repeat0(int8x16_t x)
{
#if defined(__aarch64__)
    return vreinterpretq_s8_s32(vdupq_laneq_s32(vreinterpretq_s32_s8(x), 0));
#else
    int32x2_t half = vreinterpret_s32_s8(vget_low_s8(x));
    return vreinterpretq_s8_s32(vdupq_lane_s32(half, 0));
#endif
}

static inline int8x16_t repeat1(int8x16_t x)
{
#if defined(__aarch64__)
    return vreinterpretq_s8_s32(vdupq_laneq_s32(vreinterpretq_s32_s8(x), 1));
#else
    int32x2_t half = vreinterpret_s32_s8(vget_low_s8(x));
    return vreinterpretq_s8_s32(vdupq_lane_s32(half, 1));
#endif
}

static inline int8x16_t repeat2(int8x16_t x)
{
#if defined(__aarch64__)
    return vreinterpretq_s8_s32(vdupq_laneq_s32(vreinterpretq_s32_s8(x), 2));
#else
    int32x2_t half = vreinterpret_s32_s8(vget_high_s8(x));
    return vreinterpretq_s8_s32(vdupq_lane_s32(half, 0));
#endif
}

static inline int8x16_t repeat3(int8x16_t x)
{
#if defined(__aarch64__)
    return vreinterpretq_s8_s32(vdupq_laneq_s32(vreinterpretq_s32_s8(x), 3));
#else
    int32x2_t half = vreinterpret_s32_s8(vget_high_s8(x));
    return vreinterpretq_s8_s32(vdupq_lane_s32(half, 1));
#endif
}

/* the next two column groups of 16 rows; x, y as above. On armv7 a weight is loaded right before
 * its use: the sums leave no more than that of its 16 registers. */
PERCEPNET_INLINE void accumulate16(rows4 acc[4], const int8_t **w, int8x16_t x, int8x16_t y)
{
#if defined(__aarch64__)
    int8x16x4_t a = next64(w), b = next64(w);
    for (int r = 0; r < 4; r++)
        acc[r] = accumulate(acc[r], a.val[r], x, b.val[r], y);
#else
    const int8_t *second = *w + 64;
    __asm__("" : "+r"(second)); /* see next16 */
    for (int r = 0; r < 4; r++) {
        int8x16_t a = next16(w), b = next16(&second);
        acc[r] = accumulate(acc[r], a, x, b, y);
    }
    *w = second;
#endif
}

PERCEPNET_INLINE void dense(rows4 acc[4], const int8_t *w, const int8_t *x, const int8_t *end)
{
    for (; x != end; x += 16) {
        int8x16_t x16 = vld1q_s8(x);
        accumulate16(acc, &w, repeat0(x16), repeat1(x16));
        accumulate16(acc, &w, repeat2(x16), repeat3(x16));
    }
}

/* inputs of a column group, four times */
PERCEPNET_INLINE int8x16_t pick(const int8_t *x, size_t group)
{
    return vreinterpretq_s8_s32(vld1q_dup_s32((const void *)(x + 4 * group)));
}

/* a last group without partner meets what follows it with inputs of zero */
PERCEPNET_INLINE void sparse(rows4 acc[4], percepnet_blocks b, const int8_t *x)
{
    for (const uint16_t *stop = b.index + (b.groups & ~3); b.index != stop; b.index += 4)
        for (int i = 0; i < 4; i += 2)
            accumulate16(acc, &b.weight, pick(x, b.index[i]), pick(x, b.index[i + 1]));
    if (b.groups & 2) {
        accumulate16(acc, &b.weight, pick(x, b.index[0]), pick(x, b.index[1]));
        b.index += 2;
    }
    if (b.groups & 1)
        accumulate16(acc, &b.weight, pick(x, b.index[0]), vdupq_n_s8(0));
}

static inline void block16(int32_t *out_6k, const percepnet_matrix *m, int row,
                           percepnet_blocks b, const int8_t *x)
{
    const rows4 zero = {vdupq_n_s32(0), vdupq_n_s32(0)};
    rows4 acc[4] = {zero, zero, zero, zero};
    if (b.index)
        sparse(acc, b, x);
    else
        dense(acc, b.weight, x, x + m->cols);
    for (int r = 0; r < 4; r++, row += 4)
        requantise(out_6k, vaddq_s32(sums(acc[r]), vld1q_s32(m->bias + row)), m, row);
}

static inline void block4(int32_t *out_6k, const percepnet_matrix *m, int row,
                           percepnet_blocks b, const int8_t *x)
{
    const int8_t *w = b.weight, *end = x + m->cols;
    rows4 acc = {vdupq_n_s32(0), vdupq_n_s32(0)};
    for (; x != end; x += 16, w += 64) {
        int8x16_t x16 = vld1q_s8(x);
        acc = accumulate(acc, vld1q_s8(w), repeat0(x16), vld1q_s8(w + 16), repeat1(x16));
        acc = accumulate(acc, vld1q_s8(w + 32), repeat2(x16), vld1q_s8(w + 48), repeat3(x16));
    }
    requantise(out_6k, vaddq_s32(sums(acc), vld1q_s32(m->bias + row)), m, row);
}

/* All columns of a block of rows while its weights lie in the first cache. */
void percepnet_matmul_s8_neon(int32_t *out_6k, const percepnet_matrix *matrix, const int8_t *x,
                               int stride, int columns)
{
    const percepnet_matrix copy = *matrix, *m = &copy; /* which no store to out_6k can change */
    int row = 0;
    percepnet_blocks b = {m->weight, m->index, m->cols / 4};
    for (; row + 16 <= m->rows; row += 16) {
        if (b.index)
            b.groups = *b.index++;
        for (int c = 0; c < columns; c++)
            block16(out_6k + c * m->rows, m, row, b, x + c * stride);
b.weight += 64 * b.groups;
        if (b.index)
            b.index += b.groups;
    }
    b = (percepnet_blocks){b.weight, NULL, m->cols / 4};
    for (; row < m->rows; row += 4, b.weight += 4 * m->cols)
        for (int c = 0; c < columns; c++)
            block4(out_6k + c * m->rows, m, row, b, x + c * stride);
}
#endif
