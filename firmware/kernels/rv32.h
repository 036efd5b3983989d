// Kernel set rv32 (RISC-V of 32 bits with multiplication, RV32IM: ESP32-C3, C6 and P4, RP2350's Hazard3), for the
// layers that compilers/aot/sets/rv32.py packs; all else is portable there, too.
//
// What portable.h says of sizes, zero points and limits holds here. One multiplier and right shift per channel: right
// shifts of 1 to 21, multipliers of 0 or 2^30 to 2^31 - 1. For each channel, |bias| plus 128 times the sum of |weights|
// is below 2^29.
#ifndef ALPHARHO_KERNELS_RV32_H
#define ALPHARHO_KERNELS_RV32_H

#include <stdint.h>

#include "portable.h"

#ifdef __cplusplus
extern "C" {
#endif

// CONV_2D of one group. For each four output channels (behind the last ones, channels of zeros) `packed` has their
// biases; for each two taps, two weights of each channel, as bytes; their multipliers; and in one word their right
// shifts.
struct alpharho_rv32_conv {
  struct alpharho_window window;
  int32_t depth; // taps (kernel_h * kernel_w * in_c), rounded up to a multiple of 4 with weights of 0
  const int32_t *packed;
  int8_t input_zero_point, zero_point, min, max;
};

// Four output pixels at a time are computed, in order, from a copy of their inputs: `out` may overlap those parts of
// `in` that no later pixel reads. `scratch` holds 8 * depth bytes, and is aligned to words.
void alpharho_rv32_conv(const struct alpharho_rv32_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);

// As alpharho_depthwise, with a multiplier and shift for each channel: shifts of -21 to -1. Windows of 3x3, dilation 1,
// a stride_w of 1 or 2, as many channels out as in.
void alpharho_rv32_depthwise(const struct alpharho_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch);
void alpharho_rv32_depthwise_row(const struct alpharho_depthwise *p, const int8_t *ring, int32_t y, int8_t *out);

// The same for windows 3, 5 or 7 wide and of any height, with several channels of one, too: dilation_w is 1, stride_w 1
// or 2.
void alpharho_rv32_depthwise_3(const struct alpharho_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch);
void alpharho_rv32_depthwise_3_row(const struct alpharho_depthwise *p, const int8_t *ring, int32_t y, int8_t *out);
void alpharho_rv32_depthwise_5(const struct alpharho_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch);
void alpharho_rv32_depthwise_5_row(const struct alpharho_depthwise *p, const int8_t *ring, int32_t y, int8_t *out);
void alpharho_rv32_depthwise_7(const struct alpharho_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch);
void alpharho_rv32_depthwise_7_row(const struct alpharho_depthwise *p, const int8_t *ring, int32_t y, int8_t *out);

// ADD of two inputs of one shape: value = round((offset + factor1 * in1 / 2^8 + factor2 * in2 / 2^8) / 2^(shift + 1)),
// each product rounded down, the quotient to the nearest, halves away from zero, plus the zero point. The compiler has
// compared it with the reference for all pairs of inputs, none of which leaves int32. `out` may begin where an input
// begins.
struct alpharho_rv32_add {
  int32_t size;
  int32_t factor1, factor2, offset;
  int16_t rounding; // 2 * output zero point + 1
  int8_t shift;     // right shift - 1: 0 to 30
  int8_t min, max;
};

void alpharho_rv32_add(const struct alpharho_rv32_add *p, const int8_t *in1, const int8_t *in2, int8_t *out);

#ifdef __cplusplus
}
#endif

#endif // ALPHARHO_KERNELS_RV32_H
