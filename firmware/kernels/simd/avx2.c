// The form for x86-64 with AVX2: products of int16, added in pairs.
#include "form.h"

#ifdef __x86_64__

#include <immintrin.h>

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC target("avx2")
#endif

typedef int16_t element_t;

enum { GROUP = 8, PIXELS = 4, GROUPS = 1, GROUPS_OF_ONE = 2, MOST_GROUPS = 2, DEPTHWISE_BIAS = 0 };

// Four channels' weights of four taps, as int16.
typedef __m256i four_taps_t;

// Two sums of each channel, of four channels or of two pixels.
typedef struct {
  __m256i low, high;
} part_t;

typedef part_t sums_t, weights_t;

typedef struct {
  __m256i first, second;
} inputs_t;

SIMD_INLINE four_taps_t load_quad(const int8_t *from) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)from));
}

SIMD_INLINE four_taps_t later_tap(four_taps_t weights) { return _mm256_slli_epi64(weights, 16); }

SIMD_INLINE __m256i as_inputs(__m256i bytes) { return bytes; }

SIMD_INLINE part_t start_part(__m256i bias) {
  (void)bias;
  return (part_t){_mm256_setzero_si256(), _mm256_setzero_si256()};
}

SIMD_INLINE part_t add_quad(part_t sums, __m256i inputs, four_taps_t weights) {
  const __m256i low = _mm256_cvtepi8_epi16(_mm256_castsi256_si128(inputs));
  const __m256i high = _mm256_cvtepi8_epi16(_mm256_extracti128_si256(inputs, 1));
  return (part_t){
      _mm256_add_epi32(sums.low, _mm256_madd_epi16(low, weights)),
      _mm256_add_epi32(sums.high, _mm256_madd_epi16(high, weights)),
  };
}

SIMD_INLINE __m256i total_part(part_t sums, __m256i bias) {
  const __m256i mixed = _mm256_hadd_epi32(sums.low, sums.high);
  return _mm256_add_epi32(_mm256_permute4x64_epi64(mixed, 0xd8), bias);
}

#include "x86.h"
#include "x86_depthwise.h"

SIMD_INLINE void copy_16(element_t *to, const int8_t *from) {
  _mm256_storeu_si256((__m256i *)(void *)to, load_quad(from));
}

SIMD_INLINE void copy_three_rows(element_t *to, const int8_t *from, int32_t pitch) {
  const __m256i rows = three_rows(from, pitch);
  const __m128i first = _mm256_castsi256_si128(rows), second = _mm256_extracti128_si256(rows, 1);
  _mm256_storeu_si256((__m256i *)(void *)to, _mm256_cvtepi8_epi16(first));
  _mm256_storeu_si256((__m256i *)(void *)(to + 16), _mm256_cvtepi8_epi16(second));
}

SIMD_INLINE void copy(element_t *to, const int8_t *from, int32_t count) {
  int32_t i = 0;
  for (; i + 16 <= count; i += 16) {
    copy_16(to + i, from + i);
  }
  for (; i + 8 <= count; i += 8) {
    const __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)(from + i));
    _mm_storeu_si128((__m128i *)(void *)(to + i), _mm_cvtepi8_epi16(bytes));
  }
  for (; i < count; i++) {
    to[i] = from[i];
  }
}

SIMD_INLINE void fill(element_t *to, int8_t value, int32_t count) {
  for (int32_t i = 0; i < count; i++) {
    to[i] = value;
  }
}

SIMD_INLINE sums_t start(const int32_t *scaling, int32_t row) {
  (void)scaling;
  (void)row;
  return start_part(_mm256_setzero_si256());
}

SIMD_INLINE weights_t load_weights(const int8_t *from) { return (weights_t){load_quad(from), load_quad(from + 16)}; }

SIMD_INLINE __m256i load_four(const element_t *from) {
  int64_t four;
  memcpy(&four, from, sizeof four);
  return _mm256_set1_epi64x(four);
}

SIMD_INLINE inputs_t load_inputs(const element_t *from) { return (inputs_t){load_four(from), load_four(from + 4)}; }

SIMD_INLINE sums_t add_products(sums_t sums, weights_t weights, __m256i inputs) {
  return (sums_t){
      _mm256_add_epi32(sums.low, _mm256_madd_epi16(weights.low, inputs)),
      _mm256_add_epi32(sums.high, _mm256_madd_epi16(weights.high, inputs)),
  };
}

SIMD_INLINE sums_t add_four(sums_t sums, weights_t weights, const element_t *inputs) {
  return add_products(sums, weights, load_four(inputs));
}

SIMD_INLINE sums_t add_eight(sums_t sums, weights_t first, weights_t second, inputs_t inputs) {
  return add_products(add_products(sums, first, inputs.first), second, inputs.second);
}

SIMD_INLINE words_t total(sums_t sums, const int32_t *scaling) { return total_part(sums, load_words(scaling)); }

#include "eight.h"

#include "conv.h"
#include "elementwise.h"

#include "functions.h"

#ifdef __clang__
#pragma clang attribute pop
#endif

const struct form alpharho_simd_avx2 = FORM_FUNCTIONS;

#endif
