// Kernel set simd (AVX2, AArch64's Advanced SIMD; C elsewhere), for the layers that compilers/aot/sets/simd packs; all
// else is portable there, too.
//
// What portable.h says of sizes, zero points and limits holds here. Both kernels round twice, with right shifts of 1 to
// 31 and multipliers of 0 or 2^30 to 2^31 - 1. For each channel, |bias| plus 128 times the sum of |weights| is below
// 2^30. Nothing needs to be aligned.
#ifndef ALPHARHO_KERNELS_SIMD_H
#define ALPHARHO_KERNELS_SIMD_H

#include <stdint.h>

#include "portable.h"

#ifdef __cplusplus
extern "C" {
#endif

// CONV_2D of one group. For each eight output channels (the last eight are padded with zeros), `weights` has the
// weights of each two taps: two of the first channel, two of the second, and so on; `scaling` has eight biases, eight
// multipliers, and eight right shifts less 1.
struct alpharho_simd_conv {
  struct alpharho_window window;
  int32_t depth; // taps (kernel_h * kernel_w * in_c), rounded up to a multiple of 2
  int8_t input_zero_point;
  const int8_t *weights;
  const int32_t *scaling;
  int32_t zero_point, min, max;
};

// Four output pixels at a time are computed, in order, from a copy of their inputs: `out` may overlap those parts of
// `in` that no later pixel reads. `scratch` holds 8 * depth bytes.
void alpharho_simd_conv(const struct alpharho_simd_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);

// DEPTHWISE_CONV_2D of at most 25 taps, dilation 1, a multiple of 8 channels, as many out as in. `weights` and
// `scaling` are as above; an odd number of taps has one more, of weight 0. `scratch` and overlap are those of
// alpharho_depthwise, and the ring that of alpharho_depthwise_row.
struct alpharho_simd_depthwise {
  struct alpharho_window window;
  int8_t input_zero_point;
  const int8_t *weights;
  const int32_t *scaling;
  int32_t zero_point, min, max;
};

void alpharho_simd_depthwise(const struct alpharho_simd_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch);
void alpharho_simd_depthwise_row(const struct alpharho_simd_depthwise *p, const int8_t *ring, int32_t y, int8_t *out);

#ifdef __cplusplus
}
#endif

#endif // ALPHARHO_KERNELS_SIMD_H
