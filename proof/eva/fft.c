#include "prove.h"

#include "stage/fft_s32_scalar.c"

static int32_t re[PERCEPNET_HOP + 1], im[PERCEPNET_HOP + 1];
static int32_t z_re[PERCEPNET_HOP], z_im[PERCEPNET_HOP];

/* bins to values, by the scaling shift (the linear forms follow shift 0) */
void prove_pack(void)
{
    ANY32(re, -SPECTRUM_MAX - 1, SPECTRUM_MAX + 1);
    ANY32(im, -SPECTRUM_MAX - 1, SPECTRUM_MAX + 1);
    EACH(shift, 13)
        percepnet_pack_s32_scalar(z_re, z_im, z_re + PERCEPNET_HOP / 2 + 1,
                                  z_im + PERCEPNET_HOP / 2 + 1, re, im, shift);
    END();
}
