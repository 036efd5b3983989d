#include "multiply.h"

#include "instructions.h"
#include "layout.h"
#include "multiply_in_c.h"

#ifndef KERNELS_DSP_ASSEMBLY // multiply.S and so on, expand.S have these.

void alpharho_dsp_multiply_quad(const struct multiply_job *job) { multiply_quad_in_c(job); }

void alpharho_dsp_multiply_quad_last(const struct multiply_job *job) { multiply_quad_in_c(job); }

void alpharho_dsp_multiply_pair(const struct multiply_job *job) { multiply_pair_in_c(job); }

void alpharho_dsp_multiply_last(const struct multiply_job *job) { multiply_pair_in_c(job); }

void alpharho_dsp_expand(const struct expand_job *job) { expand_in_c(job); }

void alpharho_dsp_expand_rgb(const int8_t *from, int32_t pitch, int32_t step, uint32_t *to) {
  expand_rgb_in_c(from, pitch, step, to);
}

void alpharho_dsp_multiply_single(const struct multiply_job *job) {
  int8_t *out = job->out;
  for (const int32_t *w = job->packed; w != job->packed_end; out++) {
    uint32_t sum[PIXELS];
    for (int32_t i = 0; i < PIXELS; i++) {
      sum[i] = (uint32_t)*w;
    }
    w++;
    for (const uint32_t *x = job->inputs; x != job->inputs_end; x += 2 * PIXELS, w++) {
      for (int32_t i = 0; i < PIXELS; i++) {
        const int32_t at = multiply_place(i);
        sum[i] = multiply_pairs(x[at], expand_even((uint32_t)*w), sum[i]);
        sum[i] = multiply_pairs(x[PIXELS + at], expand_odd((uint32_t)*w), sum[i]);
      }
    }
    for (int32_t i = PIXELS - 1; i >= 0; i--) {
      const int32_t high = multiply_high_add((int32_t)(2 * sum[i]), w[0], 0);
      out[multiply_offset(job, i)] = (int8_t)halve_saturated(((high + (high >> 31)) >> w[1]) + job->rounding);
    }
    w += 2;
  }
}

#endif
