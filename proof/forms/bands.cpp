/* Band sums of two spectra with every input at once: bands BOUND_SPECTRUM BOUND_ENERGY.
 * Each sum must be of products of the same bin with the same weight for re and im, none negative:
 * then energies (a = b) are never negative, and |<a, b>| <= sqrt(<a, a> <b, b>). */
#include "forms.hpp"

#define int32_t I32
#define int64_t I64
#include "tables.c"
#include "erb_inner_s32_scalar.c"

static I32 a_re[PERCEPNET_N_BINS], a_im[PERCEPNET_N_BINS];
static I32 b_re[PERCEPNET_N_BINS], b_im[PERCEPNET_N_BINS];
static I64 sums[PERCEPNET_N_BANDS];

int main(int argc, char **argv)
{
    if (argc != 3)
        stop("two bounds are needed, arguments found", argc - 1, 32);
    const double spectrum = std::atof(argv[1]);
    at = "bands";
    /* p - y added to y may round up: one more than a spectrum of the FFT */
    for (int j = 0; j < PERCEPNET_N_BINS; j++)
        a_re[j] = a_im[j] = b_re[j] = b_im[j] = I32::within(spectrum + 1);
    limits.assign(1, 0); /* products become inputs from 1 on: re and im of a bin in turn */
    percepnet_erb_inner_s32_scalar(sums, a_re, a_im, b_re, b_im);
    const double modulus = (spectrum + 1) / (1 << PERCEPNET_ENERGY_SHIFT) + 0.5 * std::sqrt(2);
    double largest = 0;
    for (int band = 0; band < PERCEPNET_N_BANDS; band++) {
        const Form &f = sums[band].form;
        double weights = 0;
        if (f.constant != 0 || f.error != 0)
            stop("a sum with a rest", f.error, 64);
        for (size_t i = 1; i + 1 < f.coefficients.size(); i += 2) {
            if (f.coefficients[i] < 0 || f.coefficients[i] != f.coefficients[i + 1])
                stop("a weight below 0, or other for im than for re", f.coefficients[i], 64);
            weights += f.coefficients[i];
        }
        largest = std::fmax(largest, weights * modulus * modulus);
    }
    std::printf("bands: at most %.0f, plan %s; widest value %.4f of its type\n", largest, argv[2],
                widest);
    return largest <= std::atof(argv[2]) ? 0 : 1;
}
