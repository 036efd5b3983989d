// Depthwise layers of AVX2 and VNNI. Included by each form, which defines four_taps_t and part_t (the weights of four
// channels' four taps, and their sums) and the functions on them. A vector has sixteen channels of a pixel in its lower
// half, of another one in its upper.
#ifndef KERNELS_SIMD_X86_DEPTHWISE_H
#define KERNELS_SIMD_X86_DEPTHWISE_H

#include "steps.h"
#include "x86.h"

enum { MOST_QUADS = MOST_TAPS / 4, PARTS = 4 };

// The constants of a block, each for both pixels: part i has channels 4 i to 4 i + 3.
struct block {
  __m256i bias[PARTS];
  struct scaling scaling[PARTS];
  four_taps_t weights[MOST_QUADS][PARTS];
};

SIMD_INLINE __m256i twice(const int32_t *from) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)from));
}

SIMD_INLINE void load_block(struct block *block, const int8_t *weights, const int32_t *scaling, int32_t quads) {
  UNROLL for (int32_t i = 0; i < PARTS; i++) {
    const int32_t *const from = scaling + 4 * i;
    block->bias[i] = twice(from + DEPTHWISE_BIAS * 16);
    block->scaling[i] = scaling_with(twice(from + 2 * 16), twice(from + 3 * 16));
  }
  for (int32_t q = 0; q < quads; q++) {
    UNROLL for (int32_t i = 0; i < PARTS; i++) { block->weights[q][i] = load_quad(weights + (4 * q + i) * 16); }
  }
}

// Sixteen, or eight, inputs of one tap of each of two pixels.
SIMD_INLINE __m256i load_tap(const int8_t *first, const int8_t *second, int32_t channels) {
  if (channels == 8) {
    return _mm256_set_m128i(_mm_loadl_epi64((const __m128i *)(const void *)second),
                            _mm_loadl_epi64((const __m128i *)(const void *)first));
  }
  return _mm256_inserti128_si256(_mm256_castsi128_si256(load_16(first)), load_16(second), 1);
}

// From four taps to vectors of four channels' four taps.
SIMD_INLINE void interleave(__m256i a, __m256i b, __m256i c, __m256i d, __m256i parts[PARTS]) {
  const __m256i low_ab = _mm256_unpacklo_epi8(a, b), high_ab = _mm256_unpackhi_epi8(a, b);
  const __m256i low_cd = _mm256_unpacklo_epi8(c, d), high_cd = _mm256_unpackhi_epi8(c, d);
  parts[0] = as_inputs(_mm256_unpacklo_epi16(low_ab, low_cd));
  parts[1] = as_inputs(_mm256_unpackhi_epi16(low_ab, low_cd));
  parts[2] = as_inputs(_mm256_unpacklo_epi16(high_ab, high_cd));
  parts[3] = as_inputs(_mm256_unpackhi_epi16(high_ab, high_cd));
}

SIMD_INLINE void finish(const struct block *block, const part_t sums[PARTS], const struct ending *end, int32_t channels,
                        int8_t *first, int8_t *second) {
  __m256i words[PARTS];
  UNROLL for (int32_t i = 0; i < PARTS; i++) {
    words[i] = round_words(total_part(sums[i], block->bias[i]), &block->scaling[i], end->negatives);
  }
  const __m256i low = _mm256_adds_epi16(_mm256_packs_epi32(words[0], words[1]), end->zero_point);
  const __m256i high = _mm256_adds_epi16(_mm256_packs_epi32(words[2], words[3]), end->zero_point);
  const __m256i mixed = _mm256_packs_epi16(low, high);
  const __m128i a = _mm_min_epi8(_mm_max_epi8(_mm256_castsi256_si128(mixed), end->min), end->max);
  const __m128i b = _mm_min_epi8(_mm_max_epi8(_mm256_extracti128_si256(mixed, 1), end->min), end->max);
  if (channels == 8) {
    _mm_storel_epi64((__m128i *)(void *)first, a);
    _mm_storel_epi64((__m128i *)(void *)second, b);
  } else {
    _mm_storeu_si128((__m128i *)(void *)first, a);
    _mm_storeu_si128((__m128i *)(void *)second, b);
  }
}

// Vectors of pixels from any window, two at a time. A last one alone is computed twice.
SIMD_INLINE void any_window(const struct block *block, const int8_t *const *taps, const int32_t quads,
                            const struct steps *steps, const struct ending *end, const int32_t channels, int8_t *out) {
  for (int32_t i = 0; i < steps->count; i += 2) {
    const int32_t next = i + 1 < steps->count ? i + 1 : i;
    const int32_t a = in_at(steps, i), b = in_at(steps, next);
    part_t sums[PARTS];
    UNROLL for (int32_t j = 0; j < PARTS; j++) { sums[j] = start_part(block->bias[j]); }
    UNROLL for (int32_t q = 0; q < quads; q++) {
      const int8_t *const *const t = taps + 4 * q;
      __m256i parts[PARTS];
      interleave(load_tap(t[0] + a, t[0] + b, channels), load_tap(t[1] + a, t[1] + b, channels),
                 load_tap(t[2] + a, t[2] + b, channels), load_tap(t[3] + a, t[3] + b, channels), parts);
      UNROLL for (int32_t j = 0; j < PARTS; j++) { sums[j] = add_quad(sums[j], parts[j], block->weights[q][j]); }
    }
    finish(block, sums, end, channels, out + out_at(steps, i), out + out_at(steps, next));
  }
}

// The same for windows of three rows of three taps, `tap` bytes apart.
SIMD_INLINE void windows_3x3(const struct block *block, const int8_t *const *taps, int32_t tap,
                             const struct steps *steps, const struct ending *end, int8_t *out) {
  for (int32_t i = 0; i < steps->count; i += 2) {
    const int32_t next = i + 1 < steps->count ? i + 1 : i;
    const int32_t a = in_at(steps, i), b = in_at(steps, next);
    part_t sums[PARTS];
    UNROLL for (int32_t j = 0; j < PARTS; j++) { sums[j] = start_part(block->bias[j]); }
    UNROLL for (int32_t q = 0; q < 3; q++) {
      const int8_t *const t = taps[4 * q];
      const __m256i last = load_tap(t + a + 2 * tap, t + b + 2 * tap, 16);
      __m256i parts[PARTS];
      interleave(load_tap(t + a, t + b, 16), load_tap(t + a + tap, t + b + tap, 16), last, last, parts);
      UNROLL for (int32_t j = 0; j < PARTS; j++) { sums[j] = add_quad(sums[j], parts[j], block->weights[q][j]); }
    }
    finish(block, sums, end, 16, out + out_at(steps, i), out + out_at(steps, next));
  }
}

// Rows of three taps, stride 1, four pixels at a time and `width` of them or more: four taps side by side are the
// windows of two pixels. The last four end with the row.
SIMD_INLINE void pairs_of_windows(const struct block *block, const int8_t *const *taps, int32_t pixel, int32_t width,
                                  const struct ending *end, int8_t *out) {
  for (int32_t x = 0; x < width; x += 4) {
    const int32_t at = (x + 4 < width ? x : width - 4) * pixel;
    part_t first[PARTS], second[PARTS];
    UNROLL for (int32_t j = 0; j < PARTS; j++) { first[j] = second[j] = start_part(block->bias[j]); }
    UNROLL for (int32_t q = 0; q < 3; q++) {
      const int8_t *const t = taps[4 * q] + at;
      __m256i columns[6], parts[PARTS];
      UNROLL for (int32_t k = 0; k < 4; k++) { columns[k] = load_tap(t + k * pixel, t + (k + 2) * pixel, 16); }
      interleave(columns[0], columns[1], columns[2], columns[3], parts);
      UNROLL for (int32_t j = 0; j < PARTS; j++) {
        first[j] = add_quad(first[j], parts[j], block->weights[q][j]);
        second[j] = add_quad(second[j], parts[j], later_tap(block->weights[q][j]));
      }
    }
    int8_t *const to = out + at;
    finish(block, first, end, 16, to, to + 2 * pixel);
    finish(block, second, end, 16, to + pixel, to + 3 * pixel);
  }
}

SIMD_INLINE void depthwise_row(const struct alpharho_simd_depthwise *p, const int8_t *const *taps, int8_t *out) {
  const struct alpharho_window *w = &p->window;
  const struct ending end = ending_of(p->zero_point, p->min, p->max, p->negatives);
  const int32_t channels = w->in_c, row_quads = w->kernel_w == 3 ? w->kernel_h : 0;
  const int32_t quads = row_quads ? row_quads : (w->kernel_h * w->kernel_w + 3) / 4;
  const struct steps steps = steps_of(p);
  const int8_t *weights = p->weights;
  const int32_t *scaling = p->scaling;
  for (int32_t begin = 0; begin < channels; begin += p->block) {
    const int32_t c = begin + p->block <= channels ? begin : channels - p->block;
    const int8_t *own[MOST_TAPS];
    for (int32_t i = 0; i < 4 * quads; i++) {
      own[i] = taps[i] + c;
    }
    struct block block;
    load_block(&block, weights, scaling, quads);
    weights += quads * 64;
    scaling += PARTS * 16;
    if (p->block == 8 && pixels_of(p) == 1) {
      any_window(&block, own, quads, &steps, &end, 8, out + c);
    } else if (row_quads == 3 && pixels_of(p) == 1 && w->stride_w == 1 && w->out_w >= 4) {
      pairs_of_windows(&block, own, channels, w->out_w, &end, out + c);
    } else if (row_quads == 3) {
      windows_3x3(&block, own, channels, &steps, &end, out + c);
    } else {
      any_window(&block, own, quads, &steps, &end, 16, out + c);
    }
  }
}

#endif // KERNELS_SIMD_X86_DEPTHWISE_H
