// Eight sums of int32, and eight pairs of int16 weights, in the registers of the core.
#ifndef KERNELS_SIMD_VECTOR_H
#define KERNELS_SIMD_VECTOR_H

#include <stdint.h>
#include <string.h>

#include "portable/fixed_point.h"

enum { LANES = 8, EXPANDED = 16 };

// What follows the scaling of a sum.
struct limits {
  int32_t zero_point, min, max;
};

#ifdef __AVX2__

#include <immintrin.h>

typedef __m256i sums_t;
typedef __m256i pairs_t;

static inline sums_t load_sums(const int32_t *from) { return _mm256_loadu_si256((const __m256i *)(const void *)from); }

static inline pairs_t load_pairs(const int8_t *from) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)from));
}

// Add two inputs, side by side as int16, times the weights of each channel.
static inline sums_t add_products(sums_t sums, pairs_t weights, const int16_t *inputs) {
  int32_t both;
  memcpy(&both, inputs, sizeof both);
  return _mm256_add_epi32(sums, _mm256_madd_epi16(weights, _mm256_set1_epi32(both)));
}

// Add eight inputs of one tap and eight of another, each times the weight of its own channel.
static inline sums_t add_taps(sums_t sums, pairs_t weights, const int8_t *first, const int8_t *second) {
  const __m128i a = _mm_loadl_epi64((const __m128i *)(const void *)first);
  const __m128i b = _mm_loadl_epi64((const __m128i *)(const void *)second);
  const __m256i inputs = _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(a, b));
  return _mm256_add_epi32(sums, _mm256_madd_epi16(weights, inputs));
}

// Scale eight sums (biases, multipliers, shifts), and store them as int8.
static inline void store_sums(sums_t sums, const int32_t *scaling, const struct limits *limits, int8_t *out) {
  const __m256i multiplier = load_sums(scaling + LANES), shift = load_sums(scaling + 2 * LANES);
  const __m256i half = _mm256_set1_epi64x(1 << 30);
  const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(sums, multiplier), half);
  const __m256i odd =
      _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(sums, 32), _mm256_srli_epi64(multiplier, 32)), half);
  const __m256i high = _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xaa);
  const __m256i towards_zero = _mm256_add_epi32(high, _mm256_srai_epi32(high, 31));
  const __m256i shifted = _mm256_srav_epi32(towards_zero, shift);
  __m256i value = _mm256_srai_epi32(_mm256_add_epi32(shifted, _mm256_set1_epi32(1)), 1);
  value = _mm256_add_epi32(value, _mm256_set1_epi32(limits->zero_point));
  value = _mm256_max_epi32(value, _mm256_set1_epi32(limits->min));
  value = _mm256_min_epi32(value, _mm256_set1_epi32(limits->max));
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1));
  _mm_storel_epi64((__m128i *)(void *)out, _mm_packs_epi16(words, words));
}

static inline void expand_some(int16_t *to, const int8_t *from) {
  _mm256_storeu_si256((__m256i *)(void *)to, load_pairs(from));
}

#elif defined(__aarch64__)

#include <arm_neon.h>

typedef int32x4x2_t sums_t;
typedef int16x8x2_t pairs_t; // weights of the first tap of each channel, those of the second

static inline sums_t load_sums(const int32_t *from) { return (sums_t){{vld1q_s32(from), vld1q_s32(from + 4)}}; }

static inline pairs_t load_pairs(const int8_t *from) {
  const int8x8x2_t bytes = vld2_s8(from);
  return (pairs_t){{vmovl_s8(bytes.val[0]), vmovl_s8(bytes.val[1])}};
}

static inline sums_t add_products(sums_t sums, pairs_t weights, const int16_t *inputs) {
  for (int32_t tap = 0; tap < 2; tap++) {
    sums.val[0] = vmlal_n_s16(sums.val[0], vget_low_s16(weights.val[tap]), inputs[tap]);
    sums.val[1] = vmlal_n_s16(sums.val[1], vget_high_s16(weights.val[tap]), inputs[tap]);
  }
  return sums;
}

static inline sums_t add_taps(sums_t sums, pairs_t weights, const int8_t *first, const int8_t *second) {
  const int16x8_t inputs[2] = {vmovl_s8(vld1_s8(first)), vmovl_s8(vld1_s8(second))};
  for (int32_t tap = 0; tap < 2; tap++) {
    sums.val[0] = vmlal_s16(sums.val[0], vget_low_s16(weights.val[tap]), vget_low_s16(inputs[tap]));
    sums.val[1] = vmlal_s16(sums.val[1], vget_high_s16(weights.val[tap]), vget_high_s16(inputs[tap]));
  }
  return sums;
}

static inline int32x4_t scaled(int32x4_t sums, const int32_t *scaling, const struct limits *limits) {
  const int32x4_t high = vqrdmulhq_s32(sums, vld1q_s32(scaling + LANES));
  const int32x4_t towards_zero = vaddq_s32(high, vshrq_n_s32(high, 31));
  const int32x4_t left = vmvnq_s32(vld1q_s32(scaling + 2 * LANES)); // -(shift + 1)
  const int32x4_t value = vaddq_s32(vrshlq_s32(towards_zero, left), vdupq_n_s32(limits->zero_point));
  return vminq_s32(vmaxq_s32(value, vdupq_n_s32(limits->min)), vdupq_n_s32(limits->max));
}

static inline void store_sums(sums_t sums, const int32_t *scaling, const struct limits *limits, int8_t *out) {
  const int16x4_t low = vmovn_s32(scaled(sums.val[0], scaling, limits));
  const int16x4_t high = vmovn_s32(scaled(sums.val[1], scaling + 4, limits));
  vst1_s8(out, vmovn_s16(vcombine_s16(low, high)));
}

static inline void expand_some(int16_t *to, const int8_t *from) {
  const int8x16_t bytes = vld1q_s8(from);
  vst1q_s16(to, vmovl_s8(vget_low_s8(bytes)));
  vst1q_s16(to + 8, vmovl_s8(vget_high_s8(bytes)));
}

#else

typedef struct {
  int32_t lane[LANES];
} sums_t;
typedef struct {
  int8_t lane[2 * LANES];
} pairs_t;

static inline sums_t load_sums(const int32_t *from) {
  sums_t sums;
  memcpy(&sums, from, sizeof sums);
  return sums;
}

static inline pairs_t load_pairs(const int8_t *from) {
  pairs_t pairs;
  memcpy(&pairs, from, sizeof pairs);
  return pairs;
}

static inline sums_t add_products(sums_t sums, pairs_t weights, const int16_t *inputs) {
  for (int32_t i = 0; i < LANES; i++) {
    sums.lane[i] += inputs[0] * weights.lane[2 * i] + inputs[1] * weights.lane[2 * i + 1];
  }
  return sums;
}

static inline sums_t add_taps(sums_t sums, pairs_t weights, const int8_t *first, const int8_t *second) {
  for (int32_t i = 0; i < LANES; i++) {
    sums.lane[i] += first[i] * weights.lane[2 * i] + second[i] * weights.lane[2 * i + 1];
  }
  return sums;
}

static inline void store_sums(sums_t sums, const int32_t *scaling, const struct limits *limits, int8_t *out) {
  for (int32_t i = 0; i < LANES; i++) {
    const int32_t high = high_multiply(sums.lane[i], scaling[LANES + i]);
    const int32_t value = rounding_shift_right(high, scaling[2 * LANES + i] + 1);
    out[i] = (int8_t)clamp(value + limits->zero_point, limits->min, limits->max);
  }
}

static inline void expand_some(int16_t *to, const int8_t *from) {
  for (int32_t i = 0; i < EXPANDED; i++) {
    to[i] = from[i];
  }
}

#endif

// Scale and store the first `count` of eight sums.
static inline void store_part(sums_t sums, const int32_t *scaling, const struct limits *limits, int32_t count,
                              int8_t *out) {
  if (count >= LANES) {
    store_sums(sums, scaling, limits, out);
  } else {
    int8_t all[LANES];
    store_sums(sums, scaling, limits, all);
    memcpy(out, all, (size_t)count);
  }
}

#endif // KERNELS_SIMD_VECTOR_H
