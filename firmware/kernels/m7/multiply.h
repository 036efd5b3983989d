// Four pixels against all output channels, four at a time.
#ifndef KERNELS_M7_MULTIPLY_H
#define KERNELS_M7_MULTIPLY_H

#include "../dsp/multiply.h"
#include "layout.h"

// As alpharho_dsp_multiply_quad and alpharho_dsp_multiply_quad_last.
void alpharho_m7_multiply_quad(const struct multiply_job *job);
void alpharho_m7_multiply_quad_last(const struct multiply_job *job);

// As alpharho_dsp_expand.
void alpharho_m7_expand(const struct expand_job *job);

#endif // KERNELS_M7_MULTIPLY_H
