// Kernel set dsp (Cortex-M with the DSP extension), for the layers that compilers/aot/sets/dsp packs; all else is
// portable there, too.
//
// What portable.h says of sizes, zero points and limits holds here. `packed` and `scratch` are aligned to words. One
// multiplier and right shift per channel.
//
// Convolutions round twice, with right shifts of 1 to 31 and multipliers of 2^30 to 2^31 - 1. Depthwise ones and those
// of one pixel have the shifts less 1 (0 to 30), and doubled multipliers: 2 * multiplier - 2^32, thus -2^31 to -2. For
// each of their channels, |bias| plus 128 times the sum of |weights| is below 2^30.
#ifndef ALPHARHO_KERNELS_DSP_H
#define ALPHARHO_KERNELS_DSP_H

#include <stdint.h>

#include "portable.h"

#ifdef __cplusplus
extern "C" {
#endif

// CONV_2D of one group and an even number of output channels. For each two of them, a and b, `packed` has bias a,
// and bias a + 2^8 * bias b; for each four taps, in the order in which the kernel expands its inputs and then
// zeros, a word with taps 0 and 2, and one with taps 1 and 3, each weights a + 2^8 * b as a 16-bit half; then for each
// of the two multiplier (or 0), zero_point * 2^shift + 2^(shift - 1), and right shift: 1 to 23. Where zero_point is at
// most `min`, b has zero_point * 2^(shift + 7) + 2^(shift + 6) + 2^6 and shift + 7 instead, for shifts of 1 to 16. Sums
// of b, without wrapping, are below 2^23 for all inputs.
struct alpharho_dsp_conv {
  struct alpharho_window window;
  int32_t depth; // taps (kernel_h * kernel_w * in_c), rounded up to a multiple of 4
  const int32_t *packed;
  int8_t input_zero_point, zero_point, min, max;
};

// Four output pixels at a time are computed, in order, from a copy of their inputs: `out` may overlap those parts of
// `in` that no later pixel reads.

// 1x1, stride 1, no padding, a multiple of 4 input channels, `in` aligned to words. `scratch` holds 8 * depth bytes.
void alpharho_dsp_pointwise(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);

// The same of any number of input channels, and `in` of any alignment. `scratch` holds 12 * depth bytes.
void alpharho_dsp_pointwise_any(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);

// 3x3 on 3 channels, dilation 1, depth 28. The weights' order: of each kernel row its first 8, then the ninth of each
// row. `scratch` holds 8 * depth bytes.
void alpharho_dsp_conv_rgb(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);

// Any other window. `scratch` holds 12 * depth bytes.
void alpharho_dsp_conv(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);

// The same of a multiple of four output channels, a, b, c, d. `packed` has what sums of a and b, then of c and d, begin
// with, as above; for each four taps the weights of taps 0 and 2 of a and b, those of c and d, then of taps 1 and 3;
// then for a and b, and for c and d: multiplier of the first, what is added, with zero_point + 128 in place of
// zero_point, the same of the second, and in one word both right shifts, a byte each. No sum of a product and what is
// added leaves int32, and shifted none leaves int16.
void alpharho_dsp_pointwise_quad(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);
void alpharho_dsp_pointwise_any_quad(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);
void alpharho_dsp_conv_rgb_quad(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);
void alpharho_dsp_conv_quad(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);

// Any number of channels, and right shifts up to 31. For each output channel, `packed` has the bias, `depth`
// weights (int8 in words), multiplier and right shift - 1. All else as above.
void alpharho_dsp_pointwise_single(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);
void alpharho_dsp_pointwise_any_single(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out,
                                       int8_t *scratch);
void alpharho_dsp_conv_single(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);

// FULLY_CONNECTED. The first `grouped` output channels are in groups of four, a, b, c, d. For each group `packed` has
// bias a, bias a + 2^8 * bias b, and the same of c and d; then for each four inputs, and zeros behind the last ones,
// two words for a and b and two for c and d: weights a + 2^8 * b as 16-bit halves, of inputs 0 and 2, then of 1 and 3;
// then four multipliers, and in one word the four right shifts - 1. Sums of b and d, without wrapping, are below 2^23
// for all inputs. The other channels come one by one: bias, weights as bytes, multiplier, and right shift - 1.
//
// value = clamp(zero_point + round(acc * multiplier / 2^(shift + 32))), for right shifts of 1 to 22 and multipliers of
// 1 to 2^31 - 1: the compiler computes multipliers for which this is the reference's, and never exactly between two
// steps. `scratch` holds 2 * in_c bytes, with in_c rounded up to a multiple of 4. `out` and `in` do not overlap.
struct alpharho_dsp_dense {
  int32_t rows, in_c, out_c;
  int32_t grouped; // a multiple of 4, at most out_c
  const int32_t *packed;
  int32_t zero_point, min, max;
};

void alpharho_dsp_dense(const struct alpharho_dsp_dense *p, const int8_t *in, int8_t *out, int8_t *scratch);

// CONV_2D of 1x1 on one pixel (`rows` is 1), packed alike, but rounded twice, with doubled multipliers and right shifts
// of 1 to 31, less 1. `out` may begin where `in` begins.
void alpharho_dsp_pixel(const struct alpharho_dsp_dense *p, const int8_t *in, int8_t *out, int8_t *scratch);

// DEPTHWISE_CONV_2D of 3x3, dilation 1, a multiple of 4 channels, as many out as in. For each four channels,
// `packed` has their biases, then for each tap a word of their weights, their doubled multipliers, and in one word
// their right shifts - 1. `scratch` and overlap are those of alpharho_depthwise; `in` and the ring are aligned to
// words, too.
struct alpharho_dsp_depthwise {
  struct alpharho_window window;
  const int32_t *packed;
  int8_t input_zero_point, zero_point, min, max;
};

void alpharho_dsp_depthwise(const struct alpharho_dsp_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch);
void alpharho_dsp_depthwise_row(const struct alpharho_dsp_depthwise *p, const int8_t *ring, int32_t y, int8_t *out);

// The same of 5x5: an image has no code for windows that its network does not have.
void alpharho_dsp_depthwise_5x5(const struct alpharho_dsp_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch);
void alpharho_dsp_depthwise_5x5_row(const struct alpharho_dsp_depthwise *p, const int8_t *ring, int32_t y, int8_t *out);

// The same with two words of weights a tap, of channels 0 and 2 and of 1 and 3 as 16-bit halves: larger and faster.
void alpharho_dsp_depthwise_wide(const struct alpharho_dsp_depthwise *p, const int8_t *in, int8_t *out,
                                 int8_t *scratch);
void alpharho_dsp_depthwise_wide_row(const struct alpharho_dsp_depthwise *p, const int8_t *ring, int32_t y,
                                     int8_t *out);
void alpharho_dsp_depthwise_wide_5x5(const struct alpharho_dsp_depthwise *p, const int8_t *in, int8_t *out,
                                     int8_t *scratch);
void alpharho_dsp_depthwise_wide_5x5_row(const struct alpharho_dsp_depthwise *p, const int8_t *ring, int32_t y,
                                         int8_t *out);

// ADD of two inputs of one shape: value = round((offset + factor1 * in1 / 2^8 + factor2 * in2 / 2^8) / 2^(shift + 1)),
// each product rounded down, the quotient to the nearest, halves away from zero, plus the zero point. The compiler has
// compared it with the reference for all pairs of inputs, none of which leaves int32. `out` may begin where an input
// begins.
struct alpharho_dsp_add {
  int32_t size;
  int32_t factor1, factor2, offset;
  int16_t rounding; // 2 * output zero point + 1
  int8_t shift;     // right shift - 1: 0 to 30
  int8_t min, max;
};

void alpharho_dsp_add(const struct alpharho_dsp_add *p, const int8_t *in1, const int8_t *in2, int8_t *out);

// MUL: `rows` rows of `size` elements, each times the one row `in2`. `out` may begin where `in1` begins.
struct alpharho_dsp_mul {
  int32_t rows, size;
  int32_t multiplier;       // 2^30 to 2^31 - 1
  int32_t rounding;         // (2 * output zero point + 1) * 2^(shift - 1)
  int16_t offset1, offset2; // -127 to 128: -zero point
  int8_t shift;             // right: 1 to 20
  int8_t min, max;
};

void alpharho_dsp_mul(const struct alpharho_dsp_mul *p, const int8_t *in1, const int8_t *in2, int8_t *out);

// As alpharho_table.
void alpharho_dsp_table(const int8_t *table, const int8_t *in, int8_t *out, int32_t size);

// As alpharho_mean, of a multiple of 4 channels (`inner`).
void alpharho_dsp_mean(const struct alpharho_mean *p, const int8_t *in, int8_t *out);

#ifdef __cplusplus
}
#endif

#endif // ALPHARHO_KERNELS_DSP_H
