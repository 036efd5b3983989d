// The form for Armv8.2 with dot products: four products at a time.
#include "form.h"

#ifdef __aarch64__

#include <arm_neon.h>

#pragma GCC target("arch=armv8.2-a+dotprod")

enum { GROUP = 8, PIXELS = 4, GROUPS = 2, GROUPS_OF_ONE = 4, MOST_GROUPS = 4 };

typedef int32x4x2_t sums_t;
typedef int8x8_t inputs_t;

#include "arm.h"

SIMD_INLINE sums_t start(const int32_t *scaling, int32_t row) {
  (void)row;
  return (sums_t){{vld1q_s32(scaling), vld1q_s32(scaling + 4)}};
}

SIMD_INLINE inputs_t load_inputs(const element_t *from) { return vld1_s8(from); }

SIMD_INLINE sums_t add_four(sums_t sums, weights_t weights, const element_t *inputs) {
  const int8x16_t in = load_four(inputs);
  return (sums_t){{vdotq_s32(sums.val[0], weights.val[0], in), vdotq_s32(sums.val[1], weights.val[1], in)}};
}

SIMD_INLINE sums_t add_eight(sums_t sums, weights_t first, weights_t second, inputs_t inputs) {
  UNROLL for (int32_t i = 0; i < 2; i++) {
    sums.val[i] = vdotq_lane_s32(sums.val[i], first.val[i], inputs, 0);
    sums.val[i] = vdotq_lane_s32(sums.val[i], second.val[i], inputs, 1);
  }
  return sums;
}

SIMD_INLINE words_t total(sums_t sums, const int32_t *scaling) {
  (void)scaling;
  return sums;
}

#include "eight.h"

#include "conv.h"
#include "elementwise.h"

#include "functions.h"

const struct form alpharho_simd_dot = FORM_FUNCTIONS;

#endif
