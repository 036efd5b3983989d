// For forms whose groups of a convolution are of eight channels: the names of conv.h.
#ifndef KERNELS_SIMD_EIGHT_H
#define KERNELS_SIMD_EIGHT_H

typedef words_t wide_t;

struct wide_scaling {
  struct scaling of_eight;
};

SIMD_INLINE struct wide_scaling wide_scaling_of(const int32_t *scaling, int32_t row, const struct ending *end,
                                                const int32_t negatives) {
  (void)end;
  (void)negatives;
  return (struct wide_scaling){scaling_of(scaling, row)};
}

SIMD_INLINE wide_t round_wide(words_t sums, const struct wide_scaling *by, const int32_t negatives) {
  return round_words(sums, &by->of_eight, negatives);
}

SIMD_INLINE bytes_t wide_bytes_of(wide_t first, wide_t second, const struct ending *end, const int32_t negatives) {
  (void)negatives;
  return bytes_of(first, second, end);
}

#endif // KERNELS_SIMD_EIGHT_H
