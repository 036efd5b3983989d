// What AVX2 and VNNI have in common: loads and stores, rounding, and the names of elementwise.h. Included by each form.
#ifndef KERNELS_SIMD_X86_H
#define KERNELS_SIMD_X86_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "form.h"

typedef __m256i words_t; // eight int32
typedef __m128i bytes_t; // sixteen int8

SIMD_INLINE __m128i load_16(const int8_t *from) { return _mm_loadu_si128((const __m128i *)(const void *)from); }

// Three rows of nine bytes, `pitch` apart, one behind the other: a load of four of them that two stores had made would
// have to wait for both.
SIMD_INLINE __m256i three_rows(const int8_t *from, int32_t pitch) {
  const __m128i first_nine = _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0);
  const __m128i first = _mm_and_si128(load_16(from), first_nine), third = load_16(from + 2 * pitch);
  const __m128i second = _mm_and_si128(load_16(from + pitch), first_nine);
  return _mm256_set_m128i(_mm_or_si128(_mm_srli_si128(second, 7), _mm_slli_si128(third, 2)),
                          _mm_or_si128(first, _mm_slli_si128(second, 9)));
}

SIMD_INLINE __m256i load_words(const int32_t *from) { return _mm256_loadu_si256((const __m256i *)(const void *)from); }

// What is the same for all outputs of a layer.
struct ending {
  __m256i zero_point;
  __m128i min, max;
  int32_t negatives;
};

SIMD_INLINE struct ending ending_of(int32_t zero_point, int32_t min, int32_t max, int32_t negatives) {
  return (struct ending){
      _mm256_set1_epi16((int16_t)zero_point),
      _mm_set1_epi8((int8_t)min),
      _mm_set1_epi8((int8_t)max),
      negatives,
  };
}

// Multipliers and right shifts of eight channels. `half` is half of what a number is divided by in the end, for shifts
// of 2 and more.
struct scaling {
  __m256i multiplier, odd_multiplier, less_shift, half;
};

// Eight sums times multipliers, over 2^31 and 2^shift. With `negatives`, halves are rounded away from zero in the
// second step, as the reference does, otherwise up.
SIMD_INLINE __m256i round_words(__m256i sums, const struct scaling *by, const int32_t negatives) {
  const __m256i first_half = _mm256_set1_epi64x(1 << 30);
  const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(sums, by->multiplier), first_half);
  const __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(sums, 32), by->odd_multiplier), first_half);
  if (negatives) {
    const __m256i high = _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xaa);
    const __m256i towards_zero = _mm256_add_epi32(high, _mm256_srai_epi32(high, 31));
    const __m256i shifted = _mm256_srav_epi32(towards_zero, by->less_shift);
    return _mm256_srai_epi32(_mm256_add_epi32(shifted, _mm256_set1_epi32(1)), 1);
  }
  const __m256i high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa); // half of what it is above
  return _mm256_srav_epi32(_mm256_add_epi32(high, by->half), by->less_shift);
}

SIMD_INLINE struct scaling scaling_with(__m256i multiplier, __m256i less_shift) {
  const __m256i half = _mm256_srli_epi32(_mm256_sllv_epi32(_mm256_set1_epi32(1), less_shift), 1);
  return (struct scaling){multiplier, _mm256_srli_epi64(multiplier, 32), less_shift, half};
}

SIMD_INLINE struct scaling scaling_of(const int32_t *scaling, int32_t row) {
  return scaling_with(load_words(scaling + 2 * row), load_words(scaling + 3 * row));
}

// Add the zero point to sixteen values, and limit them.
SIMD_INLINE bytes_t bytes_of(words_t first, words_t second, const struct ending *end) {
  const __m256i halves = _mm256_adds_epi16(_mm256_packs_epi32(first, second), end->zero_point);
  const __m128i mixed = _mm_packs_epi16(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
  return _mm_min_epi8(_mm_max_epi8(_mm_shuffle_epi32(mixed, 0xd8), end->min), end->max);
}

// Store the first `count` of sixteen values.
SIMD_INLINE void store_bytes(bytes_t bytes, int32_t count, int8_t *out) {
  if (count >= 16) {
    _mm_storeu_si128((__m128i *)(void *)out, bytes);
  } else if (count == 8) {
    _mm_storel_epi64((__m128i *)(void *)out, bytes);
  } else {
    int8_t all[16];
    _mm_storeu_si128((__m128i *)(void *)all, bytes);
    memcpy(out, all, (size_t)count);
  }
}

SIMD_INLINE words_t widen(const int8_t *from) {
  return _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)from));
}

SIMD_INLINE words_t splat(int32_t value) { return _mm256_set1_epi32(value); }

SIMD_INLINE words_t plus(words_t a, words_t b) { return _mm256_add_epi32(a, b); }

SIMD_INLINE words_t minus(words_t a, words_t b) { return _mm256_sub_epi32(a, b); }

SIMD_INLINE words_t times(words_t a, words_t b) { return _mm256_mullo_epi32(a, b); }

SIMD_INLINE words_t shift_left(words_t a, int32_t bits) { return _mm256_slli_epi32(a, bits); }

// A multiplier and a right shift of 0 to 31 that are the same for all values.
struct scale {
  __m256i multiplier, half, sign;
  __m128i right;
};

SIMD_INLINE struct scale scale_of(int32_t multiplier, int32_t shift) {
  const int32_t right = -shift;
  return (struct scale){
      _mm256_set1_epi32(multiplier),
      _mm256_set1_epi32((int32_t)((1u << right) >> 1)),
      _mm256_set1_epi32(right > 0 ? -1 : 0),
      _mm_cvtsi32_si128(right),
  };
}

SIMD_INLINE words_t scale_words(words_t values, const struct scale *scale) {
  const __m256i first_half = _mm256_set1_epi64x(1 << 30);
  const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(values, scale->multiplier), first_half);
  const __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(values, 32), scale->multiplier), first_half);
  const __m256i high = _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xaa);
  const __m256i negative = _mm256_and_si256(_mm256_srai_epi32(high, 31), scale->sign);
  return _mm256_sra_epi32(_mm256_add_epi32(_mm256_add_epi32(high, negative), scale->half), scale->right);
}

// `count` is a multiple of 16. Sums may wrap.
SIMD_INLINE int32_t dot_product(const int8_t *a, const int8_t *b, int32_t count) {
  __m256i sums = _mm256_setzero_si256();
  for (int32_t i = 0; i < count; i += 16) {
    const __m256i products =
        _mm256_madd_epi16(_mm256_cvtepi8_epi16(load_16(a + i)), _mm256_cvtepi8_epi16(load_16(b + i)));
    sums = _mm256_add_epi32(sums, products);
  }
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1)));
}

#endif // KERNELS_SIMD_X86_H
