// Kernel set mve (Armv8.1-M with the vector extension), for the layers that compilers/aot/sets/mve packs; all else is
// portable there, too.
//
// What portable.h says of sizes, zero points and limits holds here. One multiplier and right shift per channel: `shift`
// is minus the right shift. No kernel reads or writes a byte beyond its tensors and scratch, nor needs tensors aligned,
// but for the outputs of convolutions.
//
// Convolutions round twice, with right shifts of 1 to 31 (-31 to -1) and multipliers of 0 or 2^30 to 2^31 - 1. For each
// of their channels, |bias| plus 128 times the sum of |weights| is below 2^30.
#ifndef ALPHARHO_KERNELS_MVE_H
#define ALPHARHO_KERNELS_MVE_H

#include <stdint.h>

#include "portable.h"

#ifdef __cplusplus
extern "C" {
#endif

// CONV_2D of one group. Taps of a pixel are padded with zeros to `depth`. For each four output channels (the last four
// are padded with zeros), `packed` has the weights of the first two, the weights of the other two, and (bias,
// multiplier, shift) of each of the four as int32. Weights of two channels: 16 of one and 16 of the other in turns; at
// the end, if 8 are left, 8 and 8.
struct alpharho_mve_conv {
  struct alpharho_window window;
  int32_t depth; // taps (kernel_h * kernel_w * in_c), rounded up to a multiple of 8
  const int32_t *packed;
  int8_t input_zero_point, zero_point, min, max;
};

// Bytes of a tile: the inputs of four pixels in the order in which they are multiplied.
#define ALPHARHO_MVE_TILE(depth) (((depth) + 15) / 16 * 64)

// Four output pixels at a time are computed, in order, from a copy of their inputs: `out` may overlap those parts of
// `in` that no later pixel reads. `out` is aligned to words if out_c is a multiple of 4.

// 1x1, stride 1, no padding. `scratch` holds a tile.
void alpharho_mve_pointwise(const struct alpharho_mve_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);

// 3x3 on 3 channels, dilation 1, depth 32. The order of the weights: taps of the last row, the last two of the middle
// row, 5 zeros, taps of the first row, the first seven of the middle row. `scratch` holds a tile and 16 bytes more.
void alpharho_mve_conv_rgb(const struct alpharho_mve_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);

// Any other window. `scratch` holds a tile and 4 * depth bytes more.
void alpharho_mve_conv(const struct alpharho_mve_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);

// DEPTHWISE_CONV_2D of 3x3, dilation 1, a multiple of 4 channels, as many out as in, weights of -127 to 127. For
// each 16 channels (the last 16 are padded), `packed` has
// - biases of channels 0, 4, 8, 12; 2, 6, ..; 1, 5, ..; 3, 7, ..,
// - of each tap the weights of all channels as bytes,
// - of channels 0, 4, 8, 12 the multipliers, then `shift` as bytes; of channels 2, 6, .. and so on.
// `scratch` and overlap are those of alpharho_depthwise, and the ring that of alpharho_depthwise_row.
struct alpharho_mve_depthwise {
  struct alpharho_window window;
  int32_t pixels_at_once; // 1; 2: `packed` takes two adjacent pixels of 8 channels for one of 16 (3x3, stride_w 1, an
                          // even out_w)
  const int32_t *packed;
  int8_t input_zero_point, zero_point, min, max;
};

void alpharho_mve_depthwise(const struct alpharho_mve_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch);
void alpharho_mve_depthwise_row(const struct alpharho_mve_depthwise *p, const int8_t *ring, int32_t y, int8_t *out);

// The same of 5x5: an image has no code for windows that its network does not have.
void alpharho_mve_depthwise_5x5(const struct alpharho_mve_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch);
void alpharho_mve_depthwise_5x5_row(const struct alpharho_mve_depthwise *p, const int8_t *ring, int32_t y, int8_t *out);

// The same of any window of up to 81 taps and any number of channels, with an odd number of taps in `packed`: the last
// of an even number is followed by weights of 0. `pixels_at_once` adjacent pixels are taken for one if stride_w is 1,
// of up to 16 channels in all.
void alpharho_mve_depthwise_any(const struct alpharho_mve_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch);
void alpharho_mve_depthwise_any_row(const struct alpharho_mve_depthwise *p, const int8_t *ring, int32_t y, int8_t *out);

// FULLY_CONNECTED. value = clamp(zero_point + round(acc * multiplier / 2^(32 - shift))): the compiler computes
// multipliers for which this is the reference's, and never exactly between two steps. `out` and `in` do not overlap.
struct alpharho_mve_dense {
  int32_t rows, in_c, out_c;
  const int8_t *weights;     // (out_c, in_c)
  const int32_t *bias;       // out_c of any int32
  const int32_t *multiplier; // out_c of 1 to 2^31 - 1
  const int8_t *shift;       // out_c of -22 to -1
  int32_t zero_point, min, max;
};

void alpharho_mve_dense(const struct alpharho_mve_dense *p, const int8_t *in, int8_t *out);

// CONV_2D of 1x1 on one pixel (`rows` is 1), but rounded twice, with the biases, multipliers and shifts of
// convolutions.
void alpharho_mve_pixel(const struct alpharho_mve_dense *p, const int8_t *in, int8_t *out);

// ADD of two inputs of one shape: value = clamp((offset + factor1 * in1 + factor2 * in2) / 2^-shift), rounded down. The
// compiler has compared it with the reference for all pairs of inputs, none of which leaves int32. `out` may begin
// where an input begins.
struct alpharho_mve_add {
  int32_t size;
  int32_t factor1, factor2, offset;
  int32_t shift; // -31 to -1
  int32_t min, max;
};

void alpharho_mve_add(const struct alpharho_mve_add *p, const int8_t *in1, const int8_t *in2, int8_t *out);

// ADD of two inputs of one shape as alpharho_add, `shape` with no more than its last dimension. `out` may begin where
// an input begins.
void alpharho_mve_add_exact(const struct alpharho_add *p, const int8_t *in1, const int8_t *in2, int8_t *out);

// MUL: `rows` rows of `size` elements, each times the one row `in2`. `out` may begin where `in1` begins, or, with one
// row, where `in2` begins.
struct alpharho_mve_mul {
  int32_t rows;
  int32_t size;             // a multiple of 4
  int32_t offset1, offset2; // -127 to 128: -zero point
  int32_t multiplier;       // 0, or 2^30 to 2^31 - 1
  int32_t shift;            // -31 to -1
  int32_t zero_point, min, max;
};

void alpharho_mve_mul(const struct alpharho_mve_mul *p, const int8_t *in1, const int8_t *in2, int8_t *out);

// As alpharho_table.
void alpharho_mve_table(const int8_t *table, const int8_t *in, int8_t *out, int32_t size);

// As alpharho_mean, with a `shift` of -31 to -1.
void alpharho_mve_mean(const struct alpharho_mean *p, const int8_t *in, int8_t *out);

// As alpharho_average_pool, with windows of 4,000 elements at most.
void alpharho_mve_average_pool(const struct alpharho_pool *p, const int8_t *in, int8_t *out);

#ifdef __cplusplus
}
#endif

#endif // ALPHARHO_KERNELS_MVE_H
