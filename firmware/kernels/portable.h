// Kernel set portable: operators on int8 tensors in C11, byte-equal to LiteRT's reference kernels on any core.
//
// Tensors are NHWC with batch 1 and have at most 2^26 elements. All sizes are elements, which are bytes unless said
// otherwise, and are at least 1. Zero points and limits are int8 values, -128 to 127, with min <= max; a fused
// activation is in the limits. Everything known at build time is in the parameter structures: the input's zero point is
// folded into `bias`, so kernels multiply the raw int8 values and read padding as the zero point. Sums wrap at 32 bits,
// as they do in the reference.
//
// No kernel checks its parameters: the compiler has, and nothing here comes over the wire. Tensors need no alignment;
// arrays of wider types have that of their type.
#ifndef ALPHARHO_KERNELS_PORTABLE_H
#define ALPHARHO_KERNELS_PORTABLE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The place of a row, 0 or more, in a ring of `rows`. Unsigned: a core that cannot divide takes a function for each
// sort.
static inline int32_t alpharho_modulo(int32_t row, int32_t rows) { return (int32_t)((uint32_t)row % (uint32_t)rows); }

// How int32 accumulators become int8: value = clamp(zero_point + acc * multiplier * 2^(shift - 31)), rounded twice.
// One multiplier and shift per output channel, or the same for all if `step` is 0.
struct alpharho_requant {
  const int32_t *multiplier; // each 0, or 2^30 to 2^31 - 1
  const int8_t *shift;       // -31 to 30; positive: left, before the multiplication; negative: right, after it
  int8_t step;               // 0 or 1
  int8_t zero_point, min, max;
};

// A window that slides over (height, width): convolutions and pooling. As small as it can be: there is one for each
// layer in flash. Sequences are as long as they may be, others of the sizes have 16 bits.
struct alpharho_window {
  int32_t in_w, out_w;
  uint16_t in_h, in_c, out_h, out_c;
  uint16_t kernel_h, kernel_w;     // 1 to 32767, as (kernel - 1) * dilation + 1
  uint16_t stride_h, stride_w;     // 1 to 32767
  uint16_t dilation_h, dilation_w; // 1 to 32767; pooling: not read
  // 0 to less than the window; what the window reads behind the input is padding, too. A convolution that computes a
  // strip of a row has a negative pad_left: its first window begins so many columns inside the input.
  int16_t pad_top, pad_left;
};

// CONV_2D. Weights are (out_c, kernel_h, kernel_w, in_c / groups).
struct alpharho_conv {
  struct alpharho_window window;
  uint16_t groups; // divides in_c and out_c
  int8_t input_zero_point;
  const int8_t *weights;
  const int32_t *bias; // out_c of any int32
  struct alpharho_requant requant;
};

// `scratch` holds kernel_h * kernel_w * in_c / groups words, and is aligned to words. Two output pixels at a time are
// computed, in order, from a copy of their inputs: with one group, `out` may overlap those parts of `in` that no later
// pixel reads.
void alpharho_conv(const struct alpharho_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);

// The same of 1x1, one group, stride 1, no padding, and a multiplier and shift for each channel: multipliers of 2^30
// and more, right shifts of 1 to 23 (-1 to -23), biases of less than 2^28. Faster where there are few channels.
void alpharho_pointwise_few(const struct alpharho_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);

// DEPTHWISE_CONV_2D. Weights are (out_c, kernel_h, kernel_w): the taps of a channel side by side.
struct alpharho_depthwise {
  struct alpharho_window window;
  uint16_t multiplier; // out_c / in_c, without remainder
  int8_t input_zero_point;
  const int8_t *weights;
  const int32_t *bias; // out_c of any int32
  struct alpharho_requant requant;
};

// `scratch` holds `rows` = (kernel_h - 1) * dilation_h + 1 rows of the input with left and right padding:
// rows * row_bytes, row_bytes = ((out_w - 1) * stride_w + (kernel_w - 1) * dilation_w + 1) * in_c. A row of
// output is written once all input rows that it reads, and those before them, are in scratch: `out` may overlap
// them.
void alpharho_depthwise(const struct alpharho_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch);

// Output row `y`, 0 to out_h - 1, from a ring of input rows with the layout of that scratch: row_bytes each with their
// padding, input row r (rows of padding, too) at place (r + pad_top) mod rows. `out` does not overlap the ring.
void alpharho_depthwise_row(const struct alpharho_depthwise *p, const int8_t *ring, int32_t y, int8_t *out);

// The same of 3x3, dilation 1, as many channels out as in, with a multiplier and shift for each channel: multipliers of
// 2^30 and more, right shifts of 1 to 23 (-1 to -23), biases of less than 2^28.
void alpharho_depthwise_3x3(const struct alpharho_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch);
void alpharho_depthwise_3x3_row(const struct alpharho_depthwise *p, const int8_t *ring, int32_t y, int8_t *out);

// TRANSPOSE_CONV. Weights are (out_c, kernel_h, kernel_w, in_c). Tap k of the window at input pixel i is at output
// pixel i * stride - pad + k, if there is one; dilations are 1. `out` and `in` do not overlap.
struct alpharho_transpose_conv {
  struct alpharho_window window;
  int16_t input_offset; // -127 to 128: -zero point
  const int8_t *weights;
  const int32_t *bias; // out_c of any int32
  struct alpharho_requant requant;
};

void alpharho_transpose_conv(const struct alpharho_transpose_conv *p, const int8_t *in, int8_t *out);

// FULLY_CONNECTED over `rows` rows. Weights are (out_c, in_c). `out` and `in` do not overlap.
//
// The reference rounds once here, in double precision. The compiler computes multipliers that give the same in
// integers: value = clamp(zero_point + round(acc * multiplier / 2^shift)), halves away from zero, with |acc| first
// limited to `limit`, from where on the value is at an end anyway. One of each per output channel, or the same for all
// if `step` is 0.
struct alpharho_dense {
  int32_t rows, in_c, out_c;
  const int8_t *weights;
  const int32_t *bias;       // out_c of any int32
  const int64_t *multiplier; // at least 0; limit * multiplier + 2^(shift - 1) is below 2^63
  const int8_t *shift;       // 1 to 62
  const int32_t *limit;      // 1 to 2^31 - 1; limit * multiplier / 2^shift is at most 2^31 - 256
  int32_t step;              // 0 or 1
  int32_t zero_point, min, max;
};

void alpharho_dense(const struct alpharho_dense *p, const int8_t *in, int8_t *out);

// AVERAGE_POOL_2D and MAX_POOL_2D: padding does not take part. Each window has at least one element of the input and
// fewer than 2^24. in_c and out_c are equal, as are the scales of input and output. `out` and `in` do not overlap.
struct alpharho_pool {
  struct alpharho_window window;
  int8_t min, max;
};

void alpharho_average_pool(const struct alpharho_pool *p, const int8_t *in, int8_t *out);
void alpharho_max_pool(const struct alpharho_pool *p, const int8_t *in, int8_t *out);

// MEAN and SUM over the middle of (outer, reduced, inner). `out` may begin where `in` begins.
struct alpharho_mean {
  int32_t outer, reduced, inner; // reduced: below 2^23
  int32_t offset;                // -input_zero_point * reduced
  int32_t multiplier;            // 0 to 2^31 - 1
  int8_t shift;                  // -31 to 30, as in struct alpharho_requant
  int8_t zero_point;
};

void alpharho_mean(const struct alpharho_mean *p, const int8_t *in, int8_t *out);

// REDUCE_MAX and REDUCE_MIN over the middle of (outer, reduced, inner), input and output of one scale. `out` may begin
// where `in` begins.
struct alpharho_reduce {
  int32_t outer, reduced, inner;
};

void alpharho_reduce_max(const struct alpharho_reduce *p, const int8_t *in, int8_t *out);
void alpharho_reduce_min(const struct alpharho_reduce *p, const int8_t *in, int8_t *out);

// RESIZE_BILINEAR of (in_h, in_w, channels). Output row y is at y * scale_h + offset_h of the input, in 1024ths of a
// row, and columns likewise: -512 or more, and less than 1024 * in_h. `out` and `in` do not overlap.
struct alpharho_resize_bilinear {
  int32_t in_h, in_w, channels;
  int32_t out_h, out_w;
  int32_t scale_h, offset_h;
  int32_t scale_w, offset_w;
};

void alpharho_resize_bilinear(const struct alpharho_resize_bilinear *p, const int8_t *in, int8_t *out);

// RESIZE_NEAREST_NEIGHBOR: output pixel (y, x) is the one that begins at in[rows[y] + columns[x]]. `out` and `in` do
// not overlap.
struct alpharho_resize_nearest {
  int32_t channels, out_h, out_w;
  const int32_t *rows;    // out_h
  const int32_t *columns; // out_w
};

void alpharho_resize_nearest(const struct alpharho_resize_nearest *p, const int8_t *in, int8_t *out);

// Element-wise with broadcasting: output shape `dims`, and per input how many elements it moves with each dimension (0:
// broadcast). `out` may begin where an input of the output's size begins.
struct alpharho_broadcast {
  int32_t dims[4];
  int32_t step1[4];
  int32_t step2[4];
};

// ADD: both inputs to a common scale 2^-20 of the larger one, added, then to the output's.
struct alpharho_add {
  struct alpharho_broadcast shape;
  int32_t offset1, multiplier1, shift1; // -127 to 128: -zero point; 0 or 2^30 to 2^31 - 1; -31 to 0
  int32_t offset2, multiplier2, shift2; // the same
  int32_t multiplier, shift;            // the same
  int32_t zero_point, min, max;
};

void alpharho_add(const struct alpharho_add *p, const int8_t *in1, const int8_t *in2, int8_t *out);

// SUB: ADD, but the second is subtracted from the first.
void alpharho_sub(const struct alpharho_add *p, const int8_t *in1, const int8_t *in2, int8_t *out);

// MAXIMUM and MINIMUM of tensors of one scale.
struct alpharho_extremum {
  struct alpharho_broadcast shape;
};

void alpharho_maximum(const struct alpharho_extremum *p, const int8_t *in1, const int8_t *in2, int8_t *out);
void alpharho_minimum(const struct alpharho_extremum *p, const int8_t *in1, const int8_t *in2, int8_t *out);

// PRELU: the first input times multiplier1, or, below its zero point, times the second input and multiplier2.
struct alpharho_prelu {
  struct alpharho_broadcast shape;
  int32_t offset1, multiplier1, shift1; // -127 to 128: -zero point; 0 or 2^30 to 2^31 - 1; -31 to 30
  int32_t offset2, multiplier2, shift2; // the same
  int32_t zero_point;
};

void alpharho_prelu(const struct alpharho_prelu *p, const int8_t *in, const int8_t *slopes, int8_t *out);

// MUL.
struct alpharho_mul {
  struct alpharho_broadcast shape;
  int32_t offset1, offset2; // -127 to 128: -zero point
  int32_t multiplier;       // 0, or 2^30 to 2^31 - 1
  int32_t shift;            // -31 to 30
  int32_t zero_point, min, max;
};

void alpharho_mul(const struct alpharho_mul *p, const int8_t *in1, const int8_t *in2, int8_t *out);

// Any function of one int8: `table` holds its value for -128 to 127, `size` is the elements of the input. `out` may
// begin where `in` begins.
void alpharho_table(const int8_t *table, const int8_t *in, int8_t *out, int32_t size);

// QUANTIZE from float32, `size` of them as they are in memory. A float's key is its bits as int32, those but the sign
// inverted where it is set: -128 plus how many of 255 thresholds, which never fall, are at most its key. `out` may
// begin where `in` begins.
void alpharho_quantize(const int32_t *thresholds, const int8_t *in, int8_t *out, int32_t size);

// DEQUANTIZE to float32: `values` holds the bits of the float for -128 to 127. `out` and `in` do not overlap.
void alpharho_dequantize(const int32_t *values, const int8_t *in, int8_t *out, int32_t size);

// SOFTMAX over the last dimension. `out` may begin where `in` begins.
struct alpharho_softmax {
  int32_t rows, depth; // depth: below 2^13, so that the sum of a row's exponentials fits
  const int32_t *exp;  // exp(-i * scale * beta) for i = 0 to 255 in Q0.31, 0 where it is too small; never rises
};

void alpharho_softmax(const struct alpharho_softmax *p, const int8_t *in, int8_t *out);

// PAD of four dimensions. `out` and `in` do not overlap.
struct alpharho_pad {
  int32_t in[4];
  int32_t out[4];    // at least in + before
  int32_t before[4]; // elements of `value` in front, 0 or more; what `out` has left is behind
  int8_t value;
};

void alpharho_pad(const struct alpharho_pad *p, const int8_t *in, int8_t *out);

// Elements of `in` in another order, or some of them: SLICE, STRIDED_SLICE, TRANSPOSE, SPLIT and UNPACK. The output is
// written in order: for each index of `dims`, the last the fastest, `run` neighbors from in[start + sum of index *
// step] on. `out` may begin where `in` begins if each element comes from behind the one before it.
struct alpharho_gather {
  int32_t dims[6];
  int32_t step[6]; // may be negative
  int32_t start;
  int32_t run;
};

void alpharho_gather(const struct alpharho_gather *p, const int8_t *in, int8_t *out);

// One input of CONCATENATION or PACK: `rows` pieces of `size` bytes, `pitch` >= `size` bytes apart in the output. `out`
// and `in` do not overlap.
void alpharho_place(const int8_t *in, int8_t *out, int32_t rows, int32_t size, int32_t pitch);

// Rows of line buffers: `size` bytes, which may be 0. By words where addresses and size are multiples of 4. `value` is
// an int8 value. `out` and `in` do not overlap.
void alpharho_copy(const int8_t *in, int8_t *out, int32_t size);
void alpharho_fill(int8_t *out, int32_t value, int32_t size);

#ifdef __cplusplus
}
#endif

#endif // ALPHARHO_KERNELS_PORTABLE_H
