// Kernel set simd, for programs on Linux: AVX2 and VNNI on x86-64, Advanced SIMD with and without dot products on Arm,
// C elsewhere. A program has all forms of its architecture and takes the best that its CPU has, when it is started. It
// is for the layers that compilers/aot/sets/simd packs; all else is portable there, too.
//
// What portable.h says of sizes, zero points and limits holds here. Kernels round twice, with right shifts of 1 to
// 31 and multipliers of 0 or 2^30 to 2^31 - 1. For each channel, |bias| plus 128 times the sum of |weights| is below
// 2^30; no weight is -128. Nothing needs to be aligned.
//
// `scaling` has four rows of numbers, one a channel: biases; biases for inputs to which 128 was added; multipliers; and
// right shifts less 1. `negatives` is 0 if outputs below the zero point become `min`, which is the zero point or above,
// and all shifts are 2 to 23.
#ifndef ALPHARHO_KERNELS_SIMD_H
#define ALPHARHO_KERNELS_SIMD_H

#include <stdint.h>

#include "portable.h"

#ifdef __cplusplus
extern "C" {
#endif

// CONV_2D of one group. `weights` has, for each 16 output channels (the last ones are padded with zeros) and each
// four taps, four weights of the first channel, four of the second, and so on. `scaling` is padded as they are.
struct alpharho_simd_conv {
  struct alpharho_window window;
  int32_t depth; // taps (kernel_h * kernel_w * in_c), rounded up to a multiple of 4
  int8_t input_zero_point;
  const int8_t *weights;
  const int32_t *scaling;
  int32_t negatives;
  int32_t zero_point, min, max;
};

// Four output pixels at a time are computed, in order, from a copy of their inputs: `out` may overlap those parts of
// `in` that no later pixel reads. `scratch` holds 8 * depth bytes. Of a row of at most 16 taps,
// 16 are copied: twice what is more than depth then has to be behind them.
void alpharho_simd_conv(const struct alpharho_simd_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);

// DEPTHWISE_CONV_2D of at most 25 taps, dilation 1, 8 channels or more, as many out as in. A block of channels has
// `block` of them: 16, or 8 if there are fewer than 16. The last block ends with the last channel, and may have some
// of the one before it. `weights` has, for each block and each four taps, four weights of each of 16 channels, then
// `scaling` of each block its rows of 16; of a block of 8, the other half is not used. A row of three taps is padded to
// four; other windows at their end. If `pixels` is 2, there are 8 channels, the stride is 1: the one block of 8
// channels has them twice, for two pixels side by side. `scratch` and overlap are those of alpharho_depthwise, and the
// ring that of alpharho_depthwise_row.
struct alpharho_simd_depthwise {
  struct alpharho_window window;
  int32_t block, pixels;
  int8_t input_zero_point;
  const int8_t *weights;
  const int32_t *scaling;
  int32_t negatives;
  int32_t zero_point, min, max;
};

void alpharho_simd_depthwise(const struct alpharho_simd_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch);
void alpharho_simd_depthwise_row(const struct alpharho_simd_depthwise *p, const int8_t *ring, int32_t y, int8_t *out);

// What their portable namesakes do. The last dimension of a shape has steps of 0 or 1; a shift of MUL is -31 to 0, of
// MEAN -31 to -1; MEAN is of at most 2^20 values.
void alpharho_simd_add(const struct alpharho_add *p, const int8_t *in1, const int8_t *in2, int8_t *out);
void alpharho_simd_sub(const struct alpharho_add *p, const int8_t *in1, const int8_t *in2, int8_t *out);
void alpharho_simd_mul(const struct alpharho_mul *p, const int8_t *in1, const int8_t *in2, int8_t *out);
void alpharho_simd_mean(const struct alpharho_mean *p, const int8_t *in, int8_t *out);
void alpharho_simd_dense(const struct alpharho_dense *p, const int8_t *in, int8_t *out);

#ifdef __cplusplus
}
#endif

#endif // ALPHARHO_KERNELS_SIMD_H
