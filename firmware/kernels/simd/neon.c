// The form for Advanced SIMD of Armv7 and Armv8: products of two taps are added as int16, pairs of them as int32.
#include "form.h"

#if defined(__aarch64__) || defined(KERNELS_SIMD_ARMV7)

#include <arm_neon.h>

#ifndef __aarch64__
#pragma GCC target("fpu=neon")
#endif

#ifdef __aarch64__
enum { GROUP = 8, PIXELS = 4, GROUPS = 1, GROUPS_OF_ONE = 2, MOST_GROUPS = 2 };
#else // has half the registers
enum { GROUP = 8, PIXELS = 2, GROUPS = 1, GROUPS_OF_ONE = 2, MOST_GROUPS = 2 };
#endif

// Two sums of each channel.
typedef struct {
  int32x4_t pairs[4];
} sums_t;

typedef struct {
  int8x16_t first, second;
} inputs_t;

#include "arm.h"

SIMD_INLINE sums_t start(const int32_t *scaling, int32_t row) {
  (void)scaling;
  (void)row;
  const int32x4_t none = vdupq_n_s32(0);
  return (sums_t){{none, none, none, none}};
}

SIMD_INLINE inputs_t load_inputs(const element_t *from) { return (inputs_t){load_four(from), load_four(from + 4)}; }

SIMD_INLINE sums_t add_four(sums_t sums, weights_t weights, const element_t *inputs) {
  const int8x16_t in = load_four(inputs);
  UNROLL for (int32_t i = 0; i < 2; i++) {
    const int8x16_t w = weights.val[i];
    sums.pairs[2 * i] = vpadalq_s16(sums.pairs[2 * i], low_products(w, in));
    sums.pairs[2 * i + 1] = vpadalq_s16(sums.pairs[2 * i + 1], high_products(w, in));
  }
  return sums;
}

SIMD_INLINE sums_t add_eight(sums_t sums, weights_t first, weights_t second, inputs_t inputs) {
  UNROLL for (int32_t i = 0; i < 2; i++) {
    const int8x16_t w = first.val[i], v = second.val[i], a = inputs.first, b = inputs.second;
    const int16x8_t low = add_low_products(low_products(w, a), v, b);
    const int16x8_t high = add_high_products(high_products(w, a), v, b);
    sums.pairs[2 * i] = vpadalq_s16(sums.pairs[2 * i], low);
    sums.pairs[2 * i + 1] = vpadalq_s16(sums.pairs[2 * i + 1], high);
  }
  return sums;
}

SIMD_INLINE int32x4_t add_pairs(int32x4_t a, int32x4_t b) {
#ifdef __aarch64__
  return vpaddq_s32(a, b);
#else
  return vcombine_s32(vpadd_s32(vget_low_s32(a), vget_high_s32(a)), vpadd_s32(vget_low_s32(b), vget_high_s32(b)));
#endif
}

SIMD_INLINE words_t total(sums_t sums, const int32_t *scaling) {
  return (words_t){
      {vaddq_s32(add_pairs(sums.pairs[0], sums.pairs[1]), vld1q_s32(scaling)),
       vaddq_s32(add_pairs(sums.pairs[2], sums.pairs[3]), vld1q_s32(scaling + 4))},
  };
}

#include "eight.h"

#include "conv.h"
#include "elementwise.h"

#include "functions.h"

const struct form alpharho_simd_neon = FORM_FUNCTIONS;

#endif
