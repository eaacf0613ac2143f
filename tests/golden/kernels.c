/* The sets of kernels of this build and the choice among them. */
#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h> /* getauxval: glibc, musl and Android */
#endif
#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#endif

#include "kernels.h"

#include <stddef.h>

#if defined(__aarch64__)
#if defined(__linux__)
static int has_dotprod(void)
{
    return (int)(getauxval(16 /* AT_HWCAP */) >> 20 & 1); /* HWCAP_ASIMDDP */
}

static int has_i8mm(void)
{
    return has_dotprod() && (getauxval(26 /* AT_HWCAP2 */) >> 13 & 1); /* HWCAP2_I8MM */
}
#else
/* what the compiler was told that every CPU of this build has */
static int has_dotprod(void)
{
#if defined(__ARM_FEATURE_DOTPROD)
    return 1;
#else
    return 0;
#endif
}

static int has_i8mm(void)
{
#if defined(__ARM_FEATURE_DOTPROD) && defined(__ARM_FEATURE_MATMUL_INT8)
    return 1;
#else
    return 0;
#endif
}
#endif
#endif

#if defined(__x86_64__) && defined(__GNUC__)
/* AVX2, and with `vnni` AVX512 F, VL and VNNI: in the CPU, and saved by the system */
static int has_x86(int vnni)
{
    unsigned a, b, c, d, saved, high;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1))
        return 0;
    __asm__("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
    const unsigned needed = vnni ? 0xE6 : 0x6; /* XMM, YMM; opmask and ZMM */
    if ((saved & needed) != needed || !__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return 0;
    return (int)(b >> 5 & (vnni ? b >> 16 & b >> 31 & c >> 11 : 1) & 1);
}
#endif

#if 1
static const percepnet_kernels scalar = {
    .isa = "scalar",
    .matmul_s8 = percepnet_matmul_s8_scalar,
    .matmul_s8_s16 = percepnet_matmul_s8_s16_scalar,
    .tanh_s32 = percepnet_tanh_s32_scalar,
    .sigmoid_s32 = percepnet_sigmoid_s32_scalar,
    .gru_s32 = percepnet_gru_s32_scalar,
    .fft_s32 = percepnet_fft_s32_scalar,
    .unpack_s32 = percepnet_unpack_s32_scalar,
    .pack_s32 = percepnet_pack_s32_scalar,
    .erb_inner_s32 = percepnet_erb_inner_s32_scalar,
    .correlate_s16 = percepnet_correlate_s16_scalar,
};
#endif

#if defined(__ARM_NEON)
static const percepnet_kernels neon = {
    .isa = "neon",
    .matmul_s8 = percepnet_matmul_s8_neon,
    .matmul_s8_s16 = percepnet_matmul_s8_s16_neon,
    .tanh_s32 = percepnet_tanh_s32_neon,
    .sigmoid_s32 = percepnet_sigmoid_s32_neon,
    .gru_s32 = percepnet_gru_s32_neon,
    .fft_s32 = percepnet_fft_s32_neon,
    .unpack_s32 = percepnet_unpack_s32_neon,
    .pack_s32 = percepnet_pack_s32_neon,
    .erb_inner_s32 = percepnet_erb_inner_s32_neon,
    .correlate_s16 = percepnet_correlate_s16_neon,
};
#endif

#if defined(__aarch64__)
static const percepnet_kernels dotprod = {
    .isa = "dotprod",
    .matmul_s8 = percepnet_matmul_s8_dotprod,
    .matmul_s8_s16 = percepnet_matmul_s8_s16_neon,
    .tanh_s32 = percepnet_tanh_s32_neon,
    .sigmoid_s32 = percepnet_sigmoid_s32_neon,
    .gru_s32 = percepnet_gru_s32_neon,
    .fft_s32 = percepnet_fft_s32_neon,
    .unpack_s32 = percepnet_unpack_s32_neon,
    .pack_s32 = percepnet_pack_s32_neon,
    .erb_inner_s32 = percepnet_erb_inner_s32_neon,
    .correlate_s16 = percepnet_correlate_s16_neon,
};
#endif

#if defined(__aarch64__)
static const percepnet_kernels i8mm = {
    .isa = "i8mm",
    .matmul_s8 = percepnet_matmul_s8_i8mm,
    .matmul_s8_s16 = percepnet_matmul_s8_s16_neon,
    .tanh_s32 = percepnet_tanh_s32_neon,
    .sigmoid_s32 = percepnet_sigmoid_s32_neon,
    .gru_s32 = percepnet_gru_s32_neon,
    .fft_s32 = percepnet_fft_s32_neon,
    .unpack_s32 = percepnet_unpack_s32_neon,
    .pack_s32 = percepnet_pack_s32_neon,
    .erb_inner_s32 = percepnet_erb_inner_s32_neon,
    .correlate_s16 = percepnet_correlate_s16_neon,
};
#endif

#if defined(__x86_64__) && defined(__GNUC__)
static const percepnet_kernels avx2 = {
    .isa = "avx2",
    .matmul_s8 = percepnet_matmul_s8_avx2,
    .matmul_s8_s16 = percepnet_matmul_s8_s16_avx2,
    .tanh_s32 = percepnet_tanh_s32_avx2,
    .sigmoid_s32 = percepnet_sigmoid_s32_avx2,
    .gru_s32 = percepnet_gru_s32_avx2,
    .fft_s32 = percepnet_fft_s32_avx2,
    .unpack_s32 = percepnet_unpack_s32_avx2,
    .pack_s32 = percepnet_pack_s32_avx2,
    .erb_inner_s32 = percepnet_erb_inner_s32_avx2,
    .correlate_s16 = percepnet_correlate_s16_avx2,
};
#endif

#if defined(__x86_64__) && defined(__GNUC__)
static const percepnet_kernels vnni = {
    .isa = "vnni",
    .matmul_s8 = percepnet_matmul_s8_vnni,
    .matmul_s8_s16 = percepnet_matmul_s8_s16_avx2,
    .tanh_s32 = percepnet_tanh_s32_avx2,
    .sigmoid_s32 = percepnet_sigmoid_s32_avx2,
    .gru_s32 = percepnet_gru_s32_avx2,
    .fft_s32 = percepnet_fft_s32_avx2,
    .unpack_s32 = percepnet_unpack_s32_avx2,
    .pack_s32 = percepnet_pack_s32_avx2,
    .erb_inner_s32 = percepnet_erb_inner_s32_avx2,
    .correlate_s16 = percepnet_correlate_s16_avx2,
};
#endif

#if defined(__wasm_simd128__)
static const percepnet_kernels simd128 = {
    .isa = "simd128",
    .matmul_s8 = percepnet_matmul_s8_simd128,
    .matmul_s8_s16 = percepnet_matmul_s8_s16_simd128,
    .tanh_s32 = percepnet_tanh_s32_simd128,
    .sigmoid_s32 = percepnet_sigmoid_s32_simd128,
    .gru_s32 = percepnet_gru_s32_simd128,
    .fft_s32 = percepnet_fft_s32_simd128,
    .unpack_s32 = percepnet_unpack_s32_simd128,
    .pack_s32 = percepnet_pack_s32_simd128,
    .erb_inner_s32 = percepnet_erb_inner_s32_scalar,
    .correlate_s16 = percepnet_correlate_s16_simd128,
};
#endif

#if defined(__ARM_FEATURE_MVE)
static const percepnet_kernels helium = {
    .isa = "helium",
    .matmul_s8 = percepnet_matmul_s8_helium,
    .matmul_s8_s16 = percepnet_matmul_s8_s16_scalar,
    .tanh_s32 = percepnet_tanh_s32_helium,
    .sigmoid_s32 = percepnet_sigmoid_s32_helium,
    .gru_s32 = percepnet_gru_s32_helium,
    .fft_s32 = percepnet_fft_s32_helium,
    .unpack_s32 = percepnet_unpack_s32_helium,
    .pack_s32 = percepnet_pack_s32_helium,
    .erb_inner_s32 = percepnet_erb_inner_s32_helium,
    .correlate_s16 = percepnet_correlate_s16_helium,
};
#endif

const percepnet_kernels *const percepnet_kernel_sets[] = {
#if 1
    &scalar,
#endif
#if defined(__ARM_NEON)
    &neon,
#endif
#if defined(__aarch64__)
    &dotprod,
#endif
#if defined(__aarch64__)
    &i8mm,
#endif
#if defined(__x86_64__) && defined(__GNUC__)
    &avx2,
#endif
#if defined(__x86_64__) && defined(__GNUC__)
    &vnni,
#endif
#if defined(__wasm_simd128__)
    &simd128,
#endif
#if defined(__ARM_FEATURE_MVE)
    &helium,
#endif
    NULL,
};

int percepnet_kernels_run_here(const percepnet_kernels *set)
{
#if defined(__aarch64__)
    if (set == &dotprod)
        return has_dotprod();
#endif
#if defined(__aarch64__)
    if (set == &i8mm)
        return has_i8mm();
#endif
#if defined(__x86_64__) && defined(__GNUC__)
    if (set == &avx2)
        return has_x86(0);
#endif
#if defined(__x86_64__) && defined(__GNUC__)
    if (set == &vnni)
        return has_x86(1);
#endif
    return set != NULL;
}

const percepnet_kernels *percepnet_kernels_choose(void)
{
    const percepnet_kernels *best = percepnet_kernel_sets[0];
    for (int i = 1; percepnet_kernel_sets[i]; i++)
        if (percepnet_kernels_run_here(percepnet_kernel_sets[i]))
            best = percepnet_kernel_sets[i];
    return best;
}
