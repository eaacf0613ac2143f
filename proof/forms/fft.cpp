/* The transforms with every input at once: fft BOUND_ANALYSIS BOUND_SYNTHESIS. */
#include "forms.hpp"

#define int32_t I32
#define int64_t I64
#include "tables.c"
#include "fft_s32_scalar.c"
#include "stft.c"

static percepnet_fft_scratch work;
static percepnet_spectrum spectrum;

/* greatest modulus of two linear forms */
static double modulus(const Form &re, const Form &im)
{
    double sum = std::hypot(re.constant, im.constant) + std::hypot(re.error, im.error);
    size_t count = re.coefficients.size() > im.coefficients.size() ? re.coefficients.size()
                                                                   : im.coefficients.size();
    for (size_t i = 0; i < count; i++)
        sum += std::hypot(i < re.coefficients.size() ? re.coefficients[i] : 0,
                          i < im.coefficients.size() ? im.coefficients[i] : 0) * limits[i];
    return sum * (1 + SLACK);
}

static int report(double found, const char *bound)
{
    std::printf("%s: at most %.0f, plan %s; widest value %.4f of its type\n", at, found, bound,
                widest);
    return found <= std::atof(bound) ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        stop("two bounds are needed, arguments found", argc - 1, 32);
    percepnet_kernels kernels = {};
    kernels.fft_s32 = percepnet_fft_s32_scalar;
    kernels.unpack_s32 = percepnet_unpack_s32_scalar;
    kernels.pack_s32 = percepnet_pack_s32_scalar;

    at = "analysis";
    /* a raised sample of at most 2^15 times the window, rounded; even samples re, odd ones im */
    for (int i = 0; i < PERCEPNET_WINDOW; i++)
        limits.push_back(std::ldexp(percepnet_win_q15[i], PERCEPNET_FRAC_MIN) + 1);
    for (int i = 0; i < PERCEPNET_HOP; i++) {
        work.re[0][i] = I32::input(2 * i);
        work.im[0][i] = I32::input(2 * i + 1);
    }
    transform(&kernels, &spectrum, &work);
    double largest = 0;
    for (int k = 0; k < PERCEPNET_N_BINS; k++)
        largest = std::fmax(largest, modulus(spectrum.re[k].form, spectrum.im[k].form));
    int wrong = report(largest, argv[1]);

    at = "synthesis";
    /* bins after the scaling shift: their sizes sum to 2^TOTAL_BITS and half for each rounding */
    widest = 0;
    limits.clear();
    total = std::ldexp(1.0, PERCEPNET_TOTAL_BITS) + PERCEPNET_N_BINS;
    for (int k = 0; k < PERCEPNET_N_BINS; k++) {
        spectrum.re[k] = I32::input(2 * k);
        spectrum.im[k] = I32::input(2 * k + 1);
    }
    pack(&kernels, &work, &spectrum, 0);
    kernels.fft_s32(work.im[0], work.re[0], work.im[1], work.re[1]);
    largest = 0;
    for (int i = 0; i < PERCEPNET_HOP; i++)
        largest = std::fmax(largest, std::fmax(work.re[1][i].form.bound(),
                                               work.im[1][i].form.bound()));
    return report(largest, argv[2]) | wrong;
}
