/* The sets of kernels of this build and the choice among them. */
#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h> /* getauxval: glibc, musl and Android */
#endif

#include "kernels.h"

#include <stddef.h>

#if defined(__aarch64__)
static int has_dotprod(void)
{
#if defined(__linux__)
    return (int)(getauxval(16 /* AT_HWCAP */) >> 20 & 1); /* HWCAP_ASIMDDP */
#elif defined(__ARM_FEATURE_DOTPROD)
    return 1; /* the compiler was told that every CPU of this build has it */
#else
    return 0;
#endif
}
#endif

#if 1
static const percepnet_kernels scalar = {
    "scalar",
    percepnet_matvec_s8_scalar,
    percepnet_matvec_s8_s16_scalar,
    percepnet_tanh_s32_scalar,
    percepnet_sigmoid_s32_scalar,
    percepnet_gru_s32_scalar,
    percepnet_fft_s32_scalar,
    percepnet_erb_inner_s32_scalar,
    percepnet_correlate_s16_scalar,
};
#endif

#if defined(__ARM_NEON)
static const percepnet_kernels neon = {
    "neon",
    percepnet_matvec_s8_neon,
    percepnet_matvec_s8_s16_neon,
    percepnet_tanh_s32_neon,
    percepnet_sigmoid_s32_neon,
    percepnet_gru_s32_neon,
    percepnet_fft_s32_neon,
    percepnet_erb_inner_s32_neon,
    percepnet_correlate_s16_neon,
};
#endif

#if defined(__aarch64__)
static const percepnet_kernels dotprod = {
    "dotprod",
    percepnet_matvec_s8_dotprod,
    percepnet_matvec_s8_s16_neon,
    percepnet_tanh_s32_neon,
    percepnet_sigmoid_s32_neon,
    percepnet_gru_s32_neon,
    percepnet_fft_s32_neon,
    percepnet_erb_inner_s32_neon,
    percepnet_correlate_s16_neon,
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
    NULL,
};

int percepnet_kernels_run_here(const percepnet_kernels *set)
{
#if defined(__aarch64__)
    if (set == &dotprod)
        return has_dotprod();
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
