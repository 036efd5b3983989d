// From accumulator to int8, for kernels with one multiplier per output channel.
#ifndef KERNELS_PORTABLE_REQUANT_H
#define KERNELS_PORTABLE_REQUANT_H

#include "fixed_point.h"
#include "portable.h"

// Two accumulators of one channel: the channel's parameters are read once, before anything is stored: the compiler
// must assume that a store changes them.
static inline void requantize_two(const struct alpharho_requant *q, int32_t channel, int32_t acc0, int32_t acc1,
                                  int8_t *out0, int8_t *out1) {
  const int32_t i = channel * q->step, multiplier = q->multiplier[i], shift = q->shift[i];
  const int32_t zero_point = q->zero_point, min = q->min, max = q->max;
  int32_t value0, value1;
  if (shift < 0) {
    value0 = rounding_shift_right(high_multiply(acc0, multiplier), -shift);
    value1 = rounding_shift_right(high_multiply(acc1, multiplier), -shift);
  } else {
    value0 = scale(acc0, multiplier, shift);
    value1 = scale(acc1, multiplier, shift);
  }
  *out0 = (int8_t)clamp(wrap_add(value0, zero_point), min, max);
  *out1 = (int8_t)clamp(wrap_add(value1, zero_point), min, max);
}

static inline int8_t requantize(const struct alpharho_requant *q, int32_t acc, int32_t channel) {
  const int32_t i = channel * q->step, multiplier = q->multiplier[i], shift = q->shift[i];
  const int32_t value =
      shift < 0 ? rounding_shift_right(high_multiply(acc, multiplier), -shift) : scale(acc, multiplier, shift);
  return (int8_t)clamp(wrap_add(value, q->zero_point), q->min, q->max);
}

// Limit outputs that are int8 by more than that.
static inline void limit_outputs(const struct alpharho_requant *q, int8_t *out, int32_t size) {
  if (q->min == INT8_MIN && q->max == INT8_MAX) {
    return;
  }
  for (const int8_t *const end = out + size; out != end; out++) {
    *out = (int8_t)clamp(*out, q->min, q->max);
  }
}

// Whether Armv6-M can scale the sums of an operator in its shortest way: a multiplier for each channel, right shifts of
// 1 to 23, the limits of int8, and sums of `taps` products below 2^29.
static inline int32_t is_plain(const struct alpharho_requant *q, const int32_t *bias, int32_t channels, int32_t taps) {
#ifdef KERNELS_MULTIPLY_BY_PARTS
  const uint32_t bias_most = 1 << 28, taps_most = 1 << 14;
  if (!q->step || q->min != INT8_MIN || q->max != INT8_MAX || (uint32_t)taps > taps_most) {
    return 0;
  }
  for (int32_t c = 0; c < channels; c++) {
    if (q->shift[c] > -1 || q->shift[c] < -23 || (uint32_t)bias[c] + bias_most >= 2 * bias_most) {
      return 0;
    }
  }
  return 1;
#else
  (void)q, (void)bias, (void)channels, (void)taps;
  return 0;
#endif
}

#endif // KERNELS_PORTABLE_REQUANT_H
