// The form for x86-64 with AVX-512 and VNNI: four products at a time, of inputs to which 128 was added.
#include "form.h"

#ifdef __x86_64__

#include <immintrin.h>

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,avx512f,avx512bw,avx512vl,avx512vnni"))), apply_to = function)
#else
#pragma GCC target("avx2,avx512f,avx512bw,avx512vl,avx512vnni")
#endif

typedef uint8_t element_t;

enum { GROUP = 16, PIXELS = 4, GROUPS = 2, GROUPS_OF_ONE = 4, MOST_GROUPS = 4, DEPTHWISE_BIAS = 1 };

typedef __m256i four_taps_t, part_t;
typedef __m512i sums_t, weights_t, wide_t; // of sixteen channels

typedef struct {
  __m512i first, second;
} inputs_t;

SIMD_INLINE four_taps_t load_quad(const int8_t *from) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)from));
}

SIMD_INLINE four_taps_t later_tap(four_taps_t weights) { return _mm256_slli_epi32(weights, 8); }

SIMD_INLINE __m256i as_inputs(__m256i bytes) { return _mm256_xor_si256(bytes, _mm256_set1_epi8(-128)); }

SIMD_INLINE part_t start_part(__m256i bias) { return bias; }

SIMD_INLINE part_t add_quad(part_t sums, __m256i inputs, four_taps_t weights) {
  return _mm256_dpbusd_epi32(sums, inputs, weights);
}

SIMD_INLINE __m256i total_part(part_t sums, __m256i bias) {
  (void)bias;
  return sums;
}

#include "x86.h"
#include "x86_depthwise.h"

SIMD_INLINE void copy_16(element_t *to, const int8_t *from) {
  const __m128i bytes = _mm_xor_si128(load_16(from), _mm_set1_epi8(-128));
  _mm_storeu_si128((__m128i *)(void *)to, bytes);
}

SIMD_INLINE void copy_three_rows(element_t *to, const int8_t *from, int32_t pitch) {
  _mm256_storeu_si256((__m256i *)(void *)to, as_inputs(three_rows(from, pitch)));
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

SIMD_INLINE __m512i load_sixteen(const int32_t *from) { return _mm512_loadu_si512((const void *)from); }

SIMD_INLINE sums_t start(const int32_t *scaling, int32_t row) { return load_sixteen(scaling + row); }

SIMD_INLINE weights_t load_weights(const int8_t *from) { return _mm512_loadu_si512((const void *)from); }

SIMD_INLINE __m512i load_four(const element_t *from) {
  int32_t four;
  memcpy(&four, from, sizeof four);
  return _mm512_set1_epi32(four);
}

SIMD_INLINE inputs_t load_inputs(const element_t *from) { return (inputs_t){load_four(from), load_four(from + 4)}; }

SIMD_INLINE sums_t add_four(sums_t sums, weights_t weights, const element_t *inputs) {
  return _mm512_dpbusd_epi32(sums, load_four(inputs), weights);
}

SIMD_INLINE sums_t add_eight(sums_t sums, weights_t first, weights_t second, inputs_t inputs) {
  return _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(sums, inputs.first, first), inputs.second, second);
}

SIMD_INLINE wide_t total(sums_t sums, const int32_t *scaling) {
  (void)scaling;
  return sums;
}

// As struct scaling of x86.h. Without negatives, the zero point is in `addend`, with half of what is divided by.
struct wide_scaling {
  __m512i multiplier, odd_multiplier, less_shift, addend;
};

SIMD_INLINE struct wide_scaling wide_scaling_of(const int32_t *scaling, int32_t row, const struct ending *end,
                                                const int32_t negatives) {
  const __m512i multiplier = load_sixteen(scaling + 2 * row), less_shift = load_sixteen(scaling + 3 * row);
  const __m512i zero_point = _mm512_cvtepi16_epi32(end->zero_point);
  const __m512i half = _mm512_srli_epi32(_mm512_sllv_epi32(_mm512_set1_epi32(1), less_shift), 1);
  const __m512i all = _mm512_add_epi32(half, _mm512_sllv_epi32(zero_point, less_shift));
  return (struct wide_scaling){multiplier, _mm512_srli_epi64(multiplier, 32), less_shift, negatives ? zero_point : all};
}

SIMD_INLINE wide_t round_wide(wide_t sums, const struct wide_scaling *by, const int32_t negatives) {
  enum { EVEN = 0x5555 };
  const __m512i first_half = _mm512_set1_epi64(1 << 30);
  const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(sums, by->multiplier), first_half);
  const __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(sums, 32), by->odd_multiplier), first_half);
  if (negatives) {
    const __m512i high = _mm512_mask_mov_epi32(_mm512_slli_epi64(odd, 1), EVEN, _mm512_srli_epi64(even, 31));
    const __m512i towards_zero = _mm512_add_epi32(high, _mm512_srai_epi32(high, 31));
    const __m512i shifted = _mm512_srav_epi32(towards_zero, by->less_shift);
    return _mm512_add_epi32(_mm512_srai_epi32(_mm512_add_epi32(shifted, _mm512_set1_epi32(1)), 1), by->addend);
  }
  const __m512i high = _mm512_mask_shuffle_epi32(odd, EVEN, even, 0xf5); // half of what it is above
  return _mm512_srav_epi32(_mm512_add_epi32(high, by->addend), by->less_shift);
}

SIMD_INLINE bytes_t wide_bytes_of(wide_t values, wide_t same, const struct ending *end, const int32_t negatives) {
  (void)same;
  (void)negatives;
  return _mm_min_epi8(_mm_max_epi8(_mm512_cvtsepi32_epi8(values), end->min), end->max);
}

#include "conv.h"
#include "elementwise.h"

#include "functions.h"

#ifdef __clang__
#pragma clang attribute pop
#endif

const struct form alpharho_simd_vnni = FORM_FUNCTIONS;

#endif
