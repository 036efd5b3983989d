// From a sum below 2^29 to what an output channel makes of it, in few instructions.
//
// The reference rounds twice. MULH of four times a sum and the multiplier is the product with one bit behind the binary
// point of the first rounding, so that an addition and a shift round both times: half a step of the second one, and a
// half of the first. The reference rounds halves of negative numbers down: one less is shifted there, which makes no
// difference if outputs below the zero point become the zero point.
#ifndef KERNELS_RV32_ROUNDING_H
#define KERNELS_RV32_ROUNDING_H

#include <stdint.h>

#define RV32_INLINE static inline __attribute__((always_inline))
// Loops of a constant number of passes, whose arrays are to be in registers.
#ifdef __clang__
#define RV32_UNROLL _Pragma("unroll")
#else
#define RV32_UNROLL _Pragma("GCC unroll 16")
#endif

struct scaling {
  int32_t multiplier, constant, shift;
  int32_t min, max;
};

// `rounding` is 2 * zero point + 1.
RV32_INLINE struct scaling scaling_of(int32_t multiplier, int32_t right, int32_t rounding, int32_t min, int32_t max) {
  return (struct scaling){multiplier, rounding * (1 << right) + 1, right + 1, min, max};
}

RV32_INLINE int8_t round_sum(int32_t sum, const struct scaling *s, const int negatives) {
  const int32_t four = sum * 4;
  int32_t value = (int32_t)(((int64_t)four * s->multiplier) >> 32) + s->constant;
  if (negatives) {
    value -= 2 * (int32_t)((uint32_t)four >> 31);
  }
  value >>= s->shift;
  if (value < s->min) {
    value = s->min;
  }
  return (int8_t)(value > s->max ? s->max : value);
}

#endif // KERNELS_RV32_ROUNDING_H
