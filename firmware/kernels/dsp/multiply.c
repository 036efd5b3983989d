#include "multiply.h"

#include "instructions.h"
#include "layout.h"

void alpharho_dsp_multiply_job_set(struct multiply_job *job, const int32_t *packed, int32_t channels,
                                   const uint32_t *inputs, int32_t depth, int32_t zero_point) {
  const int32_t units = depth / UNIT_TAPS;
  job->packed = packed;
  job->packed_end = packed + channels * (depth / BLOCK_TAPS + 3);
  job->inputs = inputs;
  job->inputs_end = inputs + depth / BLOCK_TAPS * BLOCK_WORDS;
  job->rounding = 2 * zero_point + 1;
  // The first pass enters the unrolled loop in its middle, so that the last one ends at its end.
  job->skip = (uint32_t)((MULTIPLY_UNITS - 1 - (units - 1) % MULTIPLY_UNITS) * MULTIPLY_UNIT_CODE_BYTES);
}

#ifndef KERNELS_DSP_ASSEMBLY // multiply.S has the functions below.

void alpharho_dsp_multiply_pixels(const struct multiply_job *job) {
  int8_t *out = job->out;
  for (const int32_t *w = job->packed; w != job->packed_end; out++) {
    uint32_t sum[PIXELS];
    for (int32_t i = 0; i < PIXELS; i++) {
      sum[i] = (uint32_t)*w;
    }
    w++;
    for (const uint32_t *x = job->inputs; x != job->inputs_end; x += BLOCK_WORDS, w++) {
      for (int32_t i = 0; i < PIXELS; i++) {
        sum[i] = multiply_pairs(x[i], expand_even((uint32_t)*w), sum[i]);
        sum[i] = multiply_pairs(x[PIXELS + i], expand_odd((uint32_t)*w), sum[i]);
      }
    }
    for (int32_t i = PIXELS - 1; i >= 0; i--) {
      out[i ? job->next[i - 1] : 0] = requantize((int32_t)sum[i], w[0], w[1], job->rounding);
    }
    w += 2;
  }
}

void alpharho_dsp_expand_pixels(const struct expand_job *job) {
  int32_t at = 0;
  for (uint32_t *to = job->to; to != job->end; to += BLOCK_WORDS, at += BLOCK_TAPS) {
    for (int32_t i = 0; i < PIXELS; i++) {
      const uint32_t four = load_word(job->rows[i] + at);
      to[i] = expand_even(four);
      to[PIXELS + i] = expand_odd(four);
    }
  }
}

#endif
