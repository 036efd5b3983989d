// Operators on int8 tensors, byte-equal to LiteRT's reference kernels.
//
// Tensors are NHWC with batch 1. All sizes are elements, which are bytes unless said otherwise. Everything
// that can be known at build time is in the parameter structures: the compiler has folded the input's zero
// point into `bias`, so kernels multiply the raw int8 values and read padding as the zero point.
//
// No kernel checks its parameters: the compiler has, and nothing here comes over the wire.
#ifndef KERNELS_KERNELS_H
#define KERNELS_KERNELS_H

#include <stdint.h>

// How int32 accumulators become int8: value = clamp(zero_point + acc * multiplier * 2^(shift - 31)).
// One multiplier and shift per output channel, or the same for all if `step` is 0.
struct alpharho_requant {
  const int32_t *multiplier;
  const int8_t *shift; // positive: left, before the multiplication; negative: right, after it
  int32_t step;
  int32_t zero_point;
  int32_t min;
  int32_t max;
};

// A window that slides over (height, width): convolutions and pooling.
struct alpharho_window {
  int32_t in_h, in_w, in_c;
  int32_t out_h, out_w, out_c;
  int32_t kernel_h, kernel_w;
  int32_t stride_h, stride_w;
  int32_t dilation_h, dilation_w;
  int32_t pad_top, pad_left;
};

// CONV_2D. Weights are (out_c, kernel_h, kernel_w, in_c / groups).
struct alpharho_conv {
  struct alpharho_window window;
  int32_t groups;
  int8_t input_zero_point;
  const int8_t *weights;
  const int32_t *bias;
  struct alpharho_requant requant;
};

// `scratch` holds 2 * kernel_h * kernel_w * in_c / groups bytes. Two output pixels at a time are computed, in
// order, from a copy of their inputs: `out` may lie over those parts of `in` that no later pixel reads.
void alpharho_conv(const struct alpharho_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);

// CONV_2D of 1x1, stride 1, one group, where `out` lies apart from `in`: no scratch.
void alpharho_pointwise(const struct alpharho_conv *p, const int8_t *in, int8_t *out);

// DEPTHWISE_CONV_2D. Weights are (out_c, kernel_h, kernel_w): the taps of a channel side by side.
struct alpharho_depthwise {
  struct alpharho_window window;
  int32_t multiplier; // out_c / in_c
  int8_t input_zero_point;
  const int8_t *weights;
  const int32_t *bias;
  struct alpharho_requant requant;
};

// `scratch` holds `rows` = (kernel_h - 1) * dilation_h + 1 rows of the input with left and right padding:
// rows * row_bytes, row_bytes = ((out_w - 1) * stride_w + (kernel_w - 1) * dilation_w + 1) * in_c. A row of
// output is written once all input rows that it reads, and those before them, are in scratch: `out` may lie
// over them.
void alpharho_depthwise(const struct alpharho_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch);

// Output row `y`, from a ring of input rows laid out as that scratch: row_bytes each with their padding, input row r
// (rows of padding, too) at place (r + pad_top) mod rows.
void alpharho_depthwise_row(const struct alpharho_depthwise *p, const int8_t *ring, int32_t y, int8_t *out);

// FULLY_CONNECTED over `rows` rows. Weights are (out_c, in_c).
//
// The reference rounds once here, in double precision. The compiler has found multipliers that give the same in
// integers: value = clamp(zero_point + round(acc * multiplier / 2^shift)), halves away from zero, with |acc| first
// limited to `limit`, from where on the value is at an end anyway. One of each per output channel, or the same for all
// if `step` is 0.
struct alpharho_dense {
  int32_t rows, in_c, out_c;
  const int8_t *weights;
  const int32_t *bias;
  const int64_t *multiplier;
  const int8_t *shift;
  const int32_t *limit;
  int32_t step;
  int32_t zero_point, min, max;
};

void alpharho_dense(const struct alpharho_dense *p, const int8_t *in, int8_t *out);

// AVERAGE_POOL_2D and MAX_POOL_2D: padding does not take part.
struct alpharho_pool {
  struct alpharho_window window;
  int32_t min, max;
};

void alpharho_average_pool(const struct alpharho_pool *p, const int8_t *in, int8_t *out);
void alpharho_max_pool(const struct alpharho_pool *p, const int8_t *in, int8_t *out);

// MEAN over the middle of (outer, reduced, inner).
struct alpharho_mean {
  int32_t outer, reduced, inner;
  int32_t offset; // -input_zero_point * reduced
  int32_t multiplier, shift;
  int32_t zero_point;
};

void alpharho_mean(const struct alpharho_mean *p, const int8_t *in, int8_t *out);

// Element-wise with broadcasting: output shape `dims`, and per input how far it moves with each dimension (0:
// broadcast).
struct alpharho_broadcast {
  int32_t dims[4];
  int32_t step1[4];
  int32_t step2[4];
};

// ADD: both inputs to a common scale 2^-20 of the larger one, added, then to the output's.
struct alpharho_add {
  struct alpharho_broadcast shape;
  int32_t offset1, multiplier1, shift1;
  int32_t offset2, multiplier2, shift2;
  int32_t multiplier, shift;
  int32_t zero_point, min, max;
};

void alpharho_add(const struct alpharho_add *p, const int8_t *in1, const int8_t *in2, int8_t *out);

// MUL.
struct alpharho_mul {
  struct alpharho_broadcast shape;
  int32_t offset1, offset2;
  int32_t multiplier, shift;
  int32_t zero_point, min, max;
};

void alpharho_mul(const struct alpharho_mul *p, const int8_t *in1, const int8_t *in2, int8_t *out);

// Any function of one int8: `table` holds its value for -128 to 127.
void alpharho_table(const int8_t *table, const int8_t *in, int8_t *out, int32_t size);

// SOFTMAX over the last dimension. `exp` holds exp(-i * scale * beta) for i = 0 to 255 in Q0.31, 0 where it
// is too small.
struct alpharho_softmax {
  int32_t rows, depth;
  const int32_t *exp;
};

void alpharho_softmax(const struct alpharho_softmax *p, const int8_t *in, int8_t *out);

// PAD of four dimensions: `before` elements of `value` in front, what `out` has left behind.
struct alpharho_pad {
  int32_t in[4];
  int32_t out[4];
  int32_t before[4];
  int8_t value;
};

void alpharho_pad(const struct alpharho_pad *p, const int8_t *in, int8_t *out);

// One input of CONCATENATION: `rows` pieces of `size` bytes, `pitch` bytes apart in the output.
void alpharho_place(const int8_t *in, int8_t *out, int32_t rows, int32_t size, int32_t pitch);

// Rows of line buffers.
void alpharho_copy(const int8_t *in, int8_t *out, int32_t size);
void alpharho_fill(int8_t *out, int32_t value, int32_t size);

// Kernel set dsp (Armv7E-M), for the layers that compilers/aot/dsp.py packs; all else is portable there, too. One
// multiplier per channel, sums within 30 bits, right shifts of 1 to 31. Multipliers of what is rounded twice are
// doubled: 2 * multiplier - 2^32.

// CONV_2D of one group. For each output channel, `packed` has bias, `depth` weights (int8 in words, the taps in the
// order in which the kernel expands its inputs, then zeros), doubled multiplier and right shift - 1.
struct alpharho_dsp_conv {
  struct alpharho_window window;
  int32_t depth; // taps, rounded up to a multiple of 8
  int8_t input_zero_point;
  const int32_t *packed;
  int32_t zero_point, min, max;
};

// `scratch` is aligned to words. Four output pixels at a time are computed, in order, from a copy of their inputs:
// `out` may lie over those parts of `in` that no later pixel reads.

// 1x1, stride 1, a multiple of 4 input channels, `in` aligned to words. `scratch` holds 8 * depth bytes.
void alpharho_dsp_pointwise(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);

// 3x3 on 3 channels without dilation. The weights' order: of each kernel row its first 8, the ninth of each row.
// `scratch` holds 8 * depth bytes.
void alpharho_dsp_conv_rgb(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);

// Any other. `scratch` holds 12 * depth bytes.
void alpharho_dsp_conv(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);

// FULLY_CONNECTED of a multiple of 4 input channels. For each four output channels, `packed` has their biases, then for
// each four inputs a word of weights of each channel, multipliers, and in one word the four shifts. Channels at the end
// that are less than four come one by one, each with a word for its shift.
//
// value = clamp(zero_point + round(acc * multiplier / 2^(shift + 33))): the compiler has found multipliers for which
// this is the reference's, and never exactly between two steps. `scratch` holds 2 * in_c bytes.
struct alpharho_dsp_dense {
  int32_t rows, in_c, out_c;
  const int32_t *packed;
  int32_t zero_point, min, max;
};

void alpharho_dsp_dense(const struct alpharho_dsp_dense *p, const int8_t *in, int8_t *out, int8_t *scratch);

// CONV_2D of 1x1 on one pixel, packed alike, but rounded twice, with doubled multipliers and right shifts - 1. `out`
// may lie over `in`.
void alpharho_dsp_pixel(const struct alpharho_dsp_dense *p, const int8_t *in, int8_t *out, int8_t *scratch);

// DEPTHWISE_CONV_2D of 3x3 or 5x5 without dilation, a multiple of 4 channels, as many out as in. For each four
// channels, `packed` has their biases, then for each tap a word of their weights, their doubled multipliers, and in one
// word their right shifts - 1. `scratch` and overlap are those of alpharho_depthwise; `in` and `scratch` are aligned to
// words.
struct alpharho_dsp_depthwise {
  struct alpharho_window window;
  int8_t input_zero_point;
  const int32_t *packed;
  int32_t zero_point, min, max;
};

void alpharho_dsp_depthwise(const struct alpharho_dsp_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch);
void alpharho_dsp_depthwise_row(const struct alpharho_dsp_depthwise *p, const int8_t *ring, int32_t y, int8_t *out);

// The same with two words of weights a tap, of channels 0 and 2 and of 1 and 3 as 16-bit halves: larger and faster.
void alpharho_dsp_depthwise_wide(const struct alpharho_dsp_depthwise *p, const int8_t *in, int8_t *out,
                                 int8_t *scratch);
void alpharho_dsp_depthwise_wide_row(const struct alpharho_dsp_depthwise *p, const int8_t *ring, int32_t y,
                                     int8_t *out);

// ADD of two inputs of one shape: value = round((offset + factor1 * in1 / 2^8 + factor2 * in2 / 2^8) / 2^(shift + 1)),
// each product rounded down, the quotient to the nearest, halves away from zero. The compiler has compared it with the
// reference for all pairs of inputs.
struct alpharho_dsp_add {
  int32_t size;
  int32_t factor1, factor2, offset;
  int32_t shift;
  int32_t rounding; // 2 * output zero point + 1
  int32_t min, max;
};

void alpharho_dsp_add(const struct alpharho_dsp_add *p, const int8_t *in1, const int8_t *in2, int8_t *out);

// MUL: `rows` rows of `size` elements, each times the one row `in2`. Right shifts of 1 to 20.
struct alpharho_dsp_mul {
  int32_t rows, size;
  int32_t offset1, offset2;
  int32_t multiplier, shift; // right
  int32_t rounding;          // (2 * output zero point + 1) * 2^(shift - 1)
  int32_t min, max;
};

void alpharho_dsp_mul(const struct alpharho_dsp_mul *p, const int8_t *in1, const int8_t *in2, int8_t *out);

void alpharho_dsp_table(const int8_t *table, const int8_t *in, int8_t *out, int32_t size);

// MEAN of a multiple of 4 channels (`inner`).
void alpharho_dsp_mean(const struct alpharho_mean *p, const int8_t *in, int8_t *out);

// Kernel set mve, which needs the above.
#include "mve.h"

#endif // KERNELS_KERNELS_H
