// Arithmetic that the C of this set has in common.
#ifndef KERNELS_MVE_ARITHMETIC_H
#define KERNELS_MVE_ARITHMETIC_H

#include <stdint.h>

#include "../portable/fixed_point.h"
#include "layout.h"

static inline int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

// Whether a fused activation leaves less than all of int8 as output.
static inline int is_limited(int32_t min, int32_t max) { return min > INT8_MIN || max < INT8_MAX; }

// Whether a sum below zero can give more than the least value of the output. If not, negative halves may be rounded up
// instead of away from zero: both are limited to the same value.
static inline int32_t has_negatives(int32_t zero_point, int32_t min) { return zero_point > min; }

#ifndef KERNELS_MVE_ASSEMBLY

// int8 from an accumulator, rounded twice as gemmlowp rounds. `left` is minus the right shift, -31 to -1.
static inline int8_t requantize(int32_t acc, int32_t multiplier, int32_t left, int32_t zero_point) {
  return (int8_t)clamp(rounding_shift_right(high_multiply(acc, multiplier), -left) + zero_point, INT8_MIN, INT8_MAX);
}

// The same; without `negatives` halves are rounded up, as the instruction VRSHL does.
static inline int8_t requantize_sum(int32_t acc, int32_t multiplier, int32_t left, int32_t zero_point,
                                    int32_t negatives) {
  if (negatives) {
    return requantize(acc, multiplier, left, zero_point);
  }
  const int64_t high = high_multiply(acc, multiplier);
  return (int8_t)clamp((int32_t)((high + ((int64_t)1 << (-left - 1))) >> -left) + zero_point, INT8_MIN, INT8_MAX);
}

#endif

#endif // KERNELS_MVE_ARITHMETIC_H
