// Kernel set mve (Armv8.1-M with the vector extension), for the layers that compilers/aot/mve.py packs; all else is
// portable there, too. One multiplier per channel, right shifts of 1 to 31.
//
// `packed` is aligned to words, as are `out` and `scratch` of convolutions. No kernel reads or writes a byte beyond
// its tensors and scratch.
#ifndef KERNELS_MVE_H
#define KERNELS_MVE_H

#include "portable.h"

// CONV_2D of one group. Taps of a pixel are padded with zeros to `depth`, a multiple of 8. For each four output
// channels (the last four are padded with zeros), `packed` has the weights of the first two, of the other two, and
// (bias, multiplier, -right shift) of each of the four as int32. Weights of two channels: 16 of one, 16 of the other,
// in turns; at last, if so many are left, 8 and 8.
struct alpharho_mve_conv {
  struct alpharho_window window;
  int32_t depth;
  int8_t input_zero_point;
  const int32_t *packed;
  int32_t zero_point, min, max;
};

// Four output pixels at a time are computed, in order, from a copy of their inputs: `out` may lie over those parts of
// `in` that no later pixel reads.

// 1x1, stride 1. `scratch` holds KERNEL_MVE_TILE bytes.
void alpharho_mve_pointwise(const struct alpharho_mve_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);

// 3x3 on 3 channels without dilation, depth 32. The order of taps: those of the last row, the last two of the middle
// row, 5 zeros, those of the first row, the first seven of the middle row. `scratch` holds KERNEL_MVE_TILE bytes and 16
// more.
void alpharho_mve_conv_rgb(const struct alpharho_mve_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);

// Any other. `scratch` holds KERNEL_MVE_TILE bytes and 4 * depth more.
void alpharho_mve_conv(const struct alpharho_mve_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);

// Bytes that the inputs of four pixels take, once they lie as the set multiplies them.
#define KERNEL_MVE_TILE(depth) (((depth) + 15) / 16 * 64)

// DEPTHWISE_CONV_2D of 3x3 or 5x5 without dilation, a multiple of 4 channels, as many out as in, no weight of -128.
// For each sixteen channels, then for each eight of those that are left (padded with zeros), `packed` has
// - biases of channels 0, 4, 8, 12; 2, 6, ..; 1, 5, ..; 3, 7, .. (of eight channels: 0, 2, 4, 6; 1, 3, 5, 7),
// - of each tap the weights of all channels as bytes,
// - of channels 0, 4, 8, 12 the multipliers, then -right shift as bytes; of channels 2, 6, .. and so on.
// With `pixels_at_once` of 2, `packed` takes two neighbouring pixels of 8 channels for one of 16: stride 1, an even
// number of columns. `scratch` and overlap are those of alpharho_depthwise, and the ring that of
// alpharho_depthwise_row.
struct alpharho_mve_depthwise {
  struct alpharho_window window;
  int32_t pixels_at_once;
  int8_t input_zero_point;
  const int32_t *packed;
  int32_t zero_point, min, max;
};

void alpharho_mve_depthwise(const struct alpharho_mve_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch);
void alpharho_mve_depthwise_row(const struct alpharho_mve_depthwise *p, const int8_t *ring, int32_t y, int8_t *out);

// FULLY_CONNECTED. value = clamp(zero_point + round(acc * multiplier / 2^(32 - shift))), `shift` negative: the compiler
// has found multipliers for which this is the reference's, and never exactly between two steps. One of each, and a
// bias, per output channel.
struct alpharho_mve_dense {
  int32_t rows, in_c, out_c;
  const int8_t *weights; // (out_c, in_c)
  const int32_t *bias, *multiplier;
  const int8_t *shift;
  int32_t zero_point, min, max;
};

void alpharho_mve_dense(const struct alpharho_mve_dense *p, const int8_t *in, int8_t *out);

// CONV_2D of 1x1 on one pixel: alike, but rounded twice, with `shift` minus the right shift.
void alpharho_mve_pixel(const struct alpharho_mve_dense *p, const int8_t *in, int8_t *out);

// ADD of two inputs of one shape: value = clamp((offset + factor1 * in1 + factor2 * in2) / 2^-shift), rounded down. The
// compiler has compared it with the reference for all pairs of inputs.
struct alpharho_mve_add {
  int32_t size;
  int32_t factor1, factor2, offset, shift;
  int32_t min, max;
};

void alpharho_mve_add(const struct alpharho_mve_add *p, const int8_t *in1, const int8_t *in2, int8_t *out);

// MUL: `rows` rows of `size` elements, a multiple of 4, each times the one row `in2`. `shift` is minus the right shift.
struct alpharho_mve_mul {
  int32_t rows, size;
  int32_t offset1, offset2;
  int32_t multiplier, shift;
  int32_t zero_point, min, max;
};

void alpharho_mve_mul(const struct alpharho_mve_mul *p, const int8_t *in1, const int8_t *in2, int8_t *out);

void alpharho_mve_table(const int8_t *table, const int8_t *in, int8_t *out, int32_t size);

// MEAN with a right shift.
void alpharho_mve_mean(const struct alpharho_mean *p, const int8_t *in, int8_t *out);

#endif // KERNELS_MVE_H
