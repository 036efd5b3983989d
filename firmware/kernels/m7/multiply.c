#include "multiply.h"

#include "../dsp/multiply_in_c.h"
#include "layout.h"

#ifndef KERNELS_DSP_ASSEMBLY // multiply.S has these functions.

enum { PIXELS = 3, FIRST = 0 };

void alpharho_m7_multiply(const struct multiply_job *job) { multiply_pair_in_c(job, PIXELS, FIRST, 0); }

void alpharho_m7_expand(const struct expand_job *job) { expand_in_c(job, PIXELS, FIRST); }

void alpharho_m7_expand_rgb(const int8_t *from, int32_t pitch, int32_t step, uint32_t *to) {
  expand_rgb_in_c(from, pitch, step, to, PIXELS, FIRST);
}

#endif
