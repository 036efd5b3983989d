// The form for x86-64 with VNNI of 256 bits: four products at a time, of inputs to which 128 was added.
#include "form.h"

#ifdef __x86_64__

#include <immintrin.h>

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,avx512f,avx512vl,avx512vnni"))), apply_to = function)
#else
#pragma GCC target("avx2,avx512f,avx512vl,avx512vnni")
#endif

typedef uint8_t element_t;

enum { PIXELS = 4, GROUPS = 2, GROUPS_OF_ONE = 4, MOST_GROUPS = 4, DEPTHWISE_BIAS = 1 };

typedef __m256i quad_t, part_t, sums_t, weights_t;

typedef struct {
  __m256i first, second;
} inputs_t;

SIMD_INLINE quad_t load_quad(const int8_t *from) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)from));
}

SIMD_INLINE quad_t later_tap(quad_t weights) { return _mm256_slli_epi32(weights, 8); }

SIMD_INLINE __m256i as_inputs(__m256i bytes) { return _mm256_xor_si256(bytes, _mm256_set1_epi8(-128)); }

SIMD_INLINE part_t start_part(__m256i bias) { return bias; }

SIMD_INLINE part_t add_quad(part_t sums, __m256i inputs, quad_t weights) {
  return _mm256_dpbusd_epi32(sums, inputs, weights);
}

SIMD_INLINE __m256i total_part(part_t sums, __m256i bias) {
  (void)bias;
  return sums;
}

#include "x86.h"

SIMD_INLINE void copy_16(element_t *to, const int8_t *from) {
  const __m128i bytes = _mm_xor_si128(load_16(from), _mm_set1_epi8(-128));
  _mm_storeu_si128((__m128i *)(void *)to, bytes);
}

SIMD_INLINE void copy(element_t *to, const int8_t *from, int32_t count) {
  int32_t i = 0;
  for (; i + 32 <= count; i += 32) {
    const __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)(from + i));
    _mm256_storeu_si256((__m256i *)(void *)(to + i), as_inputs(bytes));
  }
  for (; i + 8 <= count; i += 8) {
    uint64_t eight;
    memcpy(&eight, from + i, sizeof eight);
    eight ^= 0x8080808080808080u;
    memcpy(to + i, &eight, sizeof eight);
  }
  for (; i < count; i++) {
    to[i] = (uint8_t)(from[i] + 128);
  }
}

SIMD_INLINE void fill(element_t *to, int8_t value, int32_t count) { memset(to, value + 128, (size_t)count); }

SIMD_INLINE sums_t start(const int32_t *scaling, int32_t row) { return load_words(scaling + row); }

SIMD_INLINE weights_t load_weights(const int8_t *from) {
  return _mm256_loadu_si256((const __m256i *)(const void *)from);
}

SIMD_INLINE __m256i load_four(const element_t *from) {
  int32_t four;
  memcpy(&four, from, sizeof four);
  return _mm256_set1_epi32(four);
}

SIMD_INLINE inputs_t load_inputs(const element_t *from) { return (inputs_t){load_four(from), load_four(from + 4)}; }

SIMD_INLINE sums_t add_four(sums_t sums, weights_t weights, const element_t *inputs) {
  return _mm256_dpbusd_epi32(sums, load_four(inputs), weights);
}

SIMD_INLINE sums_t add_eight(sums_t sums, weights_t first, weights_t second, inputs_t inputs) {
  return _mm256_dpbusd_epi32(_mm256_dpbusd_epi32(sums, inputs.first, first), inputs.second, second);
}

SIMD_INLINE words_t total(sums_t sums, const int32_t *scaling, int32_t row) {
  (void)scaling;
  (void)row;
  return sums;
}

#include "conv.h"
#include "elementwise.h"

#include "functions.h"

#ifdef __clang__
#pragma clang attribute pop
#endif

const struct form alpharho_simd_vnni = FORM_FUNCTIONS;

#endif
