#include "dot.h"

#include "instructions.h"
#include "layout.h"

enum { WORD_TAPS = 4 };

void alpharho_dsp_dot_expand(const int8_t *in, uint32_t *expanded, int32_t taps) {
  for (const int8_t *const end = in + taps; in != end; in += WORD_TAPS) {
    const uint32_t four = load_word(in);
    *expanded++ = expand_even(four);
    *expanded++ = expand_odd(four);
  }
}

#ifndef KERNELS_DSP_ASSEMBLY // dot.S has this function.

const int32_t *alpharho_dsp_dot_four(const uint32_t *expanded, const int32_t *packed, int32_t taps, int32_t *sums) {
  for (int32_t i = 0; i < DOT_ROWS; i++) {
    const int32_t *w = packed + DOT_ROWS + i;
    uint32_t sum = (uint32_t)packed[i];
    for (const uint32_t *x = expanded, *const end = x + taps / 2; x != end; x += 2, w += DOT_ROWS) {
      sum = multiply_pairs(x[0], expand_even((uint32_t)*w), sum);
      sum = multiply_pairs(x[1], expand_odd((uint32_t)*w), sum);
    }
    sums[i] = (int32_t)sum;
  }
  return packed + DOT_ROWS + DOT_ROWS * taps / WORD_TAPS;
}

#endif

const int32_t *alpharho_dsp_dot_one(const uint32_t *expanded, const int32_t *packed, int32_t taps, int32_t *sum) {
  uint32_t total = (uint32_t)*packed++;
  for (const uint32_t *const end = expanded + taps / 2; expanded != end; expanded += 2, packed++) {
    total = multiply_pairs(expanded[0], expand_even((uint32_t)*packed), total);
    total = multiply_pairs(expanded[1], expand_odd((uint32_t)*packed), total);
  }
  *sum = (int32_t)total;
  return packed;
}
