// Whether the set is made of the core's vector instructions or, for tests on other machines, of C.
#ifndef KERNELS_MVE_INSTRUCTIONS_H
#define KERNELS_MVE_INSTRUCTIONS_H

#include <stdint.h>

#include "../portable/fixed_point.h"

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1) && !defined(KERNELS_MVE_IN_C)
#define KERNELS_MVE_ASSEMBLY
#include <arm_mve.h>
#endif

static inline int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

#ifndef KERNELS_MVE_ASSEMBLY

// int8 from an accumulator, rounded as gemmlowp rounds. `left` is minus the right shift of 1 to 31.
static inline int8_t requantise(int32_t acc, int32_t multiplier, int32_t left, int32_t zero_point) {
  return (int8_t)clamp(rounding_shift_right(high_multiply(acc, multiplier), -left) + zero_point, INT8_MIN, INT8_MAX);
}

#else

// The same of four accumulators, rounded but not limited, without the zero point.
static inline int32x4_t requantise_four(int32x4_t acc, int32x4_t multiplier, int32x4_t left) {
  const int32x4_t high = vqrdmulhq_s32(acc, multiplier);
  return vrshlq_s32(vaddq_s32(high, vshrq_n_s32(high, 31)), left);
}

#endif

#endif // KERNELS_MVE_INSTRUCTIONS_H
