// What Advanced SIMD with and without dot products has in common: rounding, and depthwise layers. Included by each
// form.
#ifndef KERNELS_SIMD_ARM_H
#define KERNELS_SIMD_ARM_H

#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#include "steps.h"

typedef int8_t element_t;
typedef int32x4x2_t words_t;   // eight channels
typedef int8x16x2_t weights_t; // four taps of eight channels
typedef int8x16_t bytes_t;

SIMD_INLINE void copy(element_t *to, const int8_t *from, int32_t count) { memcpy(to, from, (size_t)count); }

SIMD_INLINE void copy_16(element_t *to, const int8_t *from) { vst1q_s8(to, vld1q_s8(from)); }

// Three rows of nine taps.
SIMD_INLINE void copy_three_rows(element_t *to, const int8_t *from, int32_t pitch) {
  copy_16(to, from);
  copy_16(to + 9, from + pitch);
  copy_16(to + 18, from + 2 * pitch);
}

SIMD_INLINE void fill(element_t *to, int8_t value, int32_t count) { memset(to, value, (size_t)count); }

SIMD_INLINE weights_t load_weights(const int8_t *from) { return (weights_t){{vld1q_s8(from), vld1q_s8(from + 16)}}; }

SIMD_INLINE int8x16_t load_four(const element_t *from) {
#ifdef __aarch64__ // any address will do
  return vreinterpretq_s8_s32(vld1q_dup_s32((const int32_t *)(const void *)from));
#else
  int32_t four;
  memcpy(&four, from, sizeof four);
  return vreinterpretq_s8_s32(vdupq_n_s32(four));
#endif
}

SIMD_INLINE int16x8_t low_products(int8x16_t a, int8x16_t b) { return vmull_s8(vget_low_s8(a), vget_low_s8(b)); }

SIMD_INLINE int16x8_t add_low_products(int16x8_t sums, int8x16_t a, int8x16_t b) {
  return vmlal_s8(sums, vget_low_s8(a), vget_low_s8(b));
}

SIMD_INLINE int16x8_t high_products(int8x16_t a, int8x16_t b) {
#ifdef __aarch64__
  return vmull_high_s8(a, b);
#else
  return vmull_s8(vget_high_s8(a), vget_high_s8(b));
#endif
}

SIMD_INLINE int16x8_t add_high_products(int16x8_t sums, int8x16_t a, int8x16_t b) {
#ifdef __aarch64__
  return vmlal_high_s8(sums, a, b);
#else
  return vmlal_s8(sums, vget_high_s8(a), vget_high_s8(b));
#endif
}

SIMD_INLINE int32x4_t add_high_halves(int32x4_t sums, int16x8_t halves) {
#ifdef __aarch64__
  return vaddw_high_s16(sums, halves);
#else
  return vaddw_s16(sums, vget_high_s16(halves));
#endif
}

// What is the same for all outputs of a layer.
struct ending {
  int16x8_t zero_point;
  int8x16_t min, max;
  int32_t negatives;
};

SIMD_INLINE struct ending ending_of(int32_t zero_point, int32_t min, int32_t max, int32_t negatives) {
  return (struct ending){vdupq_n_s16((int16_t)zero_point), vdupq_n_s8((int8_t)min), vdupq_n_s8((int8_t)max), negatives};
}

// Multipliers of eight channels, and the negatives of their right shifts.
struct scaling {
  int32x4_t multiplier[2], left[2];
};

// Sums times multipliers, over 2^(31 + shift). With `negatives`, halves are rounded away from zero in the second step,
// as the reference does, otherwise up. `left` is the shift's negative.
SIMD_INLINE int32x4_t round_four(int32x4_t sums, int32x4_t multiplier, int32x4_t left, const int32_t negatives) {
  int32x4_t high = vqrdmulhq_s32(sums, multiplier);
  if (negatives) {
    high = vaddq_s32(high, vshrq_n_s32(high, 31));
  }
  return vrshlq_s32(high, left);
}

// From shifts less 1, which are stored.
SIMD_INLINE int32x4_t load_left(const int32_t *from) { return vmvnq_s32(vld1q_s32(from)); }

SIMD_INLINE struct scaling scaling_of(const int32_t *scaling, int32_t row) {
  return (struct scaling){
      {vld1q_s32(scaling + 2 * row), vld1q_s32(scaling + 2 * row + 4)},
      {load_left(scaling + 3 * row), load_left(scaling + 3 * row + 4)},
  };
}

SIMD_INLINE words_t round_words(words_t sums, const struct scaling *by, const int32_t negatives) {
  return (words_t){
      {round_four(sums.val[0], by->multiplier[0], by->left[0], negatives),
       round_four(sums.val[1], by->multiplier[1], by->left[1], negatives)},
  };
}

// Add the zero point to sixteen values, and limit them.
SIMD_INLINE bytes_t bytes_of(words_t first, words_t second, const struct ending *end) {
  const int16x8_t low = vcombine_s16(vqmovn_s32(first.val[0]), vqmovn_s32(first.val[1]));
  const int16x8_t high = vcombine_s16(vqmovn_s32(second.val[0]), vqmovn_s32(second.val[1]));
  const int8x8_t a = vqmovn_s16(vqaddq_s16(low, end->zero_point)), b = vqmovn_s16(vqaddq_s16(high, end->zero_point));
  return vminq_s8(vmaxq_s8(vcombine_s8(a, b), end->min), end->max);
}

// Store the first `count` of sixteen values.
SIMD_INLINE void store_bytes(bytes_t bytes, int32_t count, int8_t *out) {
  if (count >= 16) {
    vst1q_s8(out, bytes);
  } else if (count == 8) {
    vst1_s8(out, vget_low_s8(bytes));
  } else {
    int8_t all[16];
    vst1q_s8(all, bytes);
    memcpy(out, all, (size_t)count);
  }
}

SIMD_INLINE words_t widen(const int8_t *from) {
  const int16x8_t halves = vmovl_s8(vld1_s8(from));
  return (words_t){{vmovl_s16(vget_low_s16(halves)), vmovl_s16(vget_high_s16(halves))}};
}

SIMD_INLINE words_t splat(int32_t value) { return (words_t){{vdupq_n_s32(value), vdupq_n_s32(value)}}; }

SIMD_INLINE words_t plus(words_t a, words_t b) {
  return (words_t){{vaddq_s32(a.val[0], b.val[0]), vaddq_s32(a.val[1], b.val[1])}};
}

SIMD_INLINE words_t minus(words_t a, words_t b) {
  return (words_t){{vsubq_s32(a.val[0], b.val[0]), vsubq_s32(a.val[1], b.val[1])}};
}

SIMD_INLINE words_t times(words_t a, words_t b) {
  return (words_t){{vmulq_s32(a.val[0], b.val[0]), vmulq_s32(a.val[1], b.val[1])}};
}

SIMD_INLINE words_t shift_left(words_t a, int32_t bits) {
  const int32x4_t by = vdupq_n_s32(bits);
  return (words_t){{vshlq_s32(a.val[0], by), vshlq_s32(a.val[1], by)}};
}

// A multiplier and a right shift of 0 to 31 that are the same for all values.
struct scale {
  int32x4_t multiplier, left, sign;
};

SIMD_INLINE struct scale scale_of(int32_t multiplier, int32_t shift) {
  return (struct scale){vdupq_n_s32(multiplier), vdupq_n_s32(shift), vdupq_n_s32(shift < 0 ? -1 : 0)};
}

SIMD_INLINE words_t scale_words(words_t values, const struct scale *scale) {
  words_t rounded;
  UNROLL for (int32_t i = 0; i < 2; i++) {
    const int32x4_t high = vqrdmulhq_s32(values.val[i], scale->multiplier);
    const int32x4_t negative = vandq_s32(vshrq_n_s32(high, 31), scale->sign);
    rounded.val[i] = vrshlq_s32(vaddq_s32(high, negative), scale->left);
  }
  return rounded;
}

// `count` is a multiple of 16. Sums may wrap.
SIMD_INLINE int32_t dot_product(const int8_t *a, const int8_t *b, int32_t count) {
  int32x4_t sums = vdupq_n_s32(0);
  for (int32_t i = 0; i < count; i += 16) {
    const int8x16_t x = vld1q_s8(a + i), y = vld1q_s8(b + i);
    sums = vpadalq_s16(vpadalq_s16(sums, low_products(x, y)), high_products(x, y));
  }
  const int32x2_t two = vadd_s32(vget_low_s32(sums), vget_high_s32(sums));
  return vget_lane_s32(vpadd_s32(two, two), 0);
}

// Depthwise layers: sixteen channels at a time, or eight.

enum { REAL_TAPS = 25, PARTS = 4 };

struct block {
  int32x4_t bias[PARTS], multiplier[PARTS], left[PARTS];
  int8x16_t weights[MOST_TAPS];
};

SIMD_INLINE void load_block(struct block *block, const int8_t *weights, const int32_t *scaling, int32_t kernel_w,
                            int32_t count) {
  UNROLL for (int32_t i = 0; i < PARTS; i++) {
    block->bias[i] = vld1q_s32(scaling + 4 * i);
    block->multiplier[i] = vld1q_s32(scaling + 2 * 16 + 4 * i);
    block->left[i] = load_left(scaling + 3 * 16 + 4 * i);
  }
  const int32_t real = kernel_w == 3 ? 3 : 4; // of four taps, the others are padding
  for (int32_t tap = 0; tap < count; tap += real, weights += 64) {
    const int8x16x4_t quad = vld4q_s8(weights);
    UNROLL for (int32_t i = 0; i < 4; i++) {
      if (i < real) {
        block->weights[tap + i] = quad.val[i];
      }
    }
  }
}

SIMD_INLINE int8x16_t load_tap(const int8_t *from, int32_t channels) {
  return channels == 8 ? vcombine_s8(vld1_s8(from), vdup_n_s8(0)) : vld1q_s8(from);
}

SIMD_INLINE void row_of_block(const struct block *block, const int8_t *const *taps, const int32_t count,
                              const struct steps *steps, const struct ending *end, const int32_t channels,
                              int8_t *out) {
  for (int32_t i = 0; i < steps->count; i++) {
    const int32_t at = in_at(steps, i);
    int32x4_t sums[PARTS];
    UNROLL for (int32_t j = 0; j < PARTS; j++) { sums[j] = block->bias[j]; }
    UNROLL for (int32_t tap = 0; tap < count; tap += 2) {
      const int8x16_t a = load_tap(taps[tap] + at, channels), w = block->weights[tap];
      int16x8_t low = low_products(a, w), high = high_products(a, w);
      if (tap + 1 < count) {
        const int8x16_t b = load_tap(taps[tap + 1] + at, channels), v = block->weights[tap + 1];
        low = add_low_products(low, b, v);
        high = add_high_products(high, b, v);
      }
      sums[0] = vaddw_s16(sums[0], vget_low_s16(low));
      sums[1] = add_high_halves(sums[1], low);
      sums[2] = vaddw_s16(sums[2], vget_low_s16(high));
      sums[3] = add_high_halves(sums[3], high);
    }
    UNROLL for (int32_t j = 0; j < PARTS; j++) {
      sums[j] = round_four(sums[j], block->multiplier[j], block->left[j], end->negatives);
    }
    const bytes_t bytes = bytes_of((words_t){{sums[0], sums[1]}}, (words_t){{sums[2], sums[3]}}, end);
    if (channels == 8) {
      vst1_s8(out + out_at(steps, i), vget_low_s8(bytes));
    } else {
      vst1q_s8(out + out_at(steps, i), bytes);
    }
  }
}

SIMD_INLINE void depthwise_row(const struct alpharho_simd_depthwise *p, const int8_t *const *taps, int8_t *out) {
  const struct alpharho_window *w = &p->window;
  const struct ending end = ending_of(p->zero_point, p->min, p->max, p->negatives);
  const struct steps steps = steps_of(p);
  const int32_t channels = w->in_c, count = w->kernel_h * w->kernel_w;
  const int32_t quads = w->kernel_w == 3 ? w->kernel_h : (count + 3) / 4;
  const int8_t *weights = p->weights;
  const int32_t *scaling = p->scaling;
  for (int32_t begin = 0; begin < channels; begin += p->block) {
    const int32_t c = begin + p->block <= channels ? begin : channels - p->block;
    const int8_t *own[REAL_TAPS] = {0};
    for (int32_t i = 0; i < count; i++) {
      own[i] = taps[w->kernel_w == 3 ? i / 3 * 4 + i % 3 : i] + c;
    }
    struct block block;
    load_block(&block, weights, scaling, w->kernel_w, count);
    weights += quads * 64;
    scaling += PARTS * 16;
    if (p->block == 8 && pixels_of(p) == 1) {
      row_of_block(&block, own, count, &steps, &end, 8, out + c);
    } else if (count == 9) {
      row_of_block(&block, own, 9, &steps, &end, 16, out + c);
    } else {
      row_of_block(&block, own, count, &steps, &end, 16, out + c);
    }
  }
}

#endif // KERNELS_SIMD_ARM_H
