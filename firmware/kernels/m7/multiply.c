#include "multiply.h"

#include "../dsp/multiply_in_c.h"
#include "layout.h"

#ifndef KERNELS_DSP_ASSEMBLY // multiply_quad.S and expand.S have these functions.

void alpharho_m7_multiply_quad(const struct multiply_job *job) { multiply_quad_in_c(job); }

void alpharho_m7_multiply_quad_last(const struct multiply_job *job) { multiply_quad_in_c(job); }

void alpharho_m7_expand(const struct expand_job *job) { expand_in_c(job); }

#endif
