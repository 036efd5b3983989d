// One row of inputs against four rows of weights: layers that have one pixel.
#ifndef KERNELS_DSP_DOT_H
#define KERNELS_DSP_DOT_H

#include <stdint.h>

enum { DOT_ROWS = 4 };

// Expand `taps` int8 inputs (a multiple of 4) to 16 bits: for four, a word with inputs 0 and 2, then one with 1 and 3.
void alpharho_dsp_dot_expand(const int8_t *in, uint32_t *expanded, int32_t taps);

// Set sums[0..3] to bias plus products with the inputs. `packed` has four biases, then for each four taps a word of
// each row's weights. Return what follows.
const int32_t *alpharho_dsp_dot_four(const uint32_t *expanded, const int32_t *packed, int32_t taps, int32_t *sums);

// The same for one row.
const int32_t *alpharho_dsp_dot_one(const uint32_t *expanded, const int32_t *packed, int32_t taps, int32_t *sum);

#endif // KERNELS_DSP_DOT_H
