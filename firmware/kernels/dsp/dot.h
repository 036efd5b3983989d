// One row of inputs against four rows of weights: layers that have one pixel.
#ifndef KERNELS_DSP_DOT_H
#define KERNELS_DSP_DOT_H

#include "instructions.h"

enum { DOT_ROWS = 4 };

// Add to `sums` the products of `taps` inputs (a multiple of 4) with each of four rows of weights, `pitch` bytes apart.
static inline void dot_four(const int8_t *in, const int8_t *weights, int32_t pitch, int32_t taps, uint32_t *sums) {
  const int8_t *w0 = weights, *w1 = w0 + pitch, *w2 = w1 + pitch, *w3 = w2 + pitch;
  uint32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
  for (const int8_t *const end = in + taps; in != end; in += 4, w0 += 4, w1 += 4, w2 += 4, w3 += 4) {
    const uint32_t x = load_word(in), even = expand_even(x), odd = expand_odd(x);
    uint32_t w = load_word(w0);
    s0 = multiply_pairs(odd, expand_odd(w), multiply_pairs(even, expand_even(w), s0));
    w = load_word(w1);
    s1 = multiply_pairs(odd, expand_odd(w), multiply_pairs(even, expand_even(w), s1));
    w = load_word(w2);
    s2 = multiply_pairs(odd, expand_odd(w), multiply_pairs(even, expand_even(w), s2));
    w = load_word(w3);
    s3 = multiply_pairs(odd, expand_odd(w), multiply_pairs(even, expand_even(w), s3));
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

#endif // KERNELS_DSP_DOT_H
