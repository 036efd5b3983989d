// Three pixels against all output channels, two at a time.
#ifndef KERNELS_M7_MULTIPLY_H
#define KERNELS_M7_MULTIPLY_H

#include "../dsp/multiply.h"
#include "layout.h"

// As alpharho_dsp_multiply_pair, alpharho_dsp_expand and alpharho_dsp_expand_rgb, of three pixels in the order 0, 1, 2.
// M7_MULTIPLY_AHEAD bytes behind the inputs are loaded and not used.
void alpharho_m7_multiply(const struct multiply_job *job);
void alpharho_m7_expand(const struct expand_job *job);
void alpharho_m7_expand_rgb(const int8_t *from, int32_t pitch, int32_t step, uint32_t *to);

#endif // KERNELS_M7_MULTIPLY_H
