#include "dot.h"

#include "instructions.h"
#include "layout.h"

static uint32_t *expand_word(uint32_t four, uint32_t *to) {
  *to++ = expand_even(four);
  *to++ = expand_odd(four);
  return to;
}

void alpharho_dsp_dot_expand(const int8_t *in, uint32_t *expanded, int32_t taps) {
  for (; taps >= WORD_TAPS; taps -= WORD_TAPS, in += WORD_TAPS) {
    expanded = expand_word(load_word(in), expanded);
  }
  uint32_t last = 0;
  for (int32_t i = 0; i < taps; i++) {
    last |= (uint32_t)(uint8_t)in[i] << (8 * i);
  }
  if (taps) {
    expand_word(last, expanded);
  }
}

#ifndef KERNELS_DSP_ASSEMBLY // dot.S has this function.

const int32_t *alpharho_dsp_dot_four(const uint32_t *expanded, const int32_t *packed, int32_t taps, int32_t *sums) {
  for (int32_t i = 0; i < DOT_ROWS; i += 2) {
    const int32_t *w = packed + DOT_ROWS + i;
    uint32_t first = (uint32_t)packed[i], both = (uint32_t)packed[i + 1];
    for (const uint32_t *x = expanded, *const end = x + taps / 2; x != end; x += 2, w += DOT_ROWS) {
      both = multiply_pairs(x[0], (uint32_t)w[0], both);
      first = multiply_pairs(x[0], expand_even((uint32_t)w[0]), first);
      both = multiply_pairs(x[1], (uint32_t)w[1], both);
      first = multiply_pairs(x[1], expand_even((uint32_t)w[1]), first);
    }
    sums[i] = (int32_t)first;
    sums[i + 1] = (int32_t)(both - first) >> 8;
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
