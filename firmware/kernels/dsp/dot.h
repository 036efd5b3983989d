// One row of inputs against four rows of weights: layers that have one pixel.
#ifndef KERNELS_DSP_DOT_H
#define KERNELS_DSP_DOT_H

#include <stdint.h>

enum { DOT_ROWS = 4, WORD_TAPS = 4 };

// Expand `taps` int8 inputs to 16 bits, with zeros behind them up to a multiple of 4: for four, a word with inputs 0
// and 2, then one with 1 and 3.
void alpharho_dsp_dot_expand(const int8_t *in, uint32_t *expanded, int32_t taps);

// Set sums[0..3] to those of a group of four channels of struct alpharho_dsp_dense, of which a word of weights has two.
// `taps` is a multiple of 4. Return what follows in `packed`.
//
// A half word of weights is a + 2^8 * b, and so is the sum of its products. The sum of a is made of the lower bytes,
// and taking it off the other one leaves that of b, shifted: four products need one expansion.
const int32_t *alpharho_dsp_dot_four(const uint32_t *expanded, const int32_t *packed, int32_t taps, int32_t *sums);

// Set *sum to that of a channel that comes alone.
const int32_t *alpharho_dsp_dot_one(const uint32_t *expanded, const int32_t *packed, int32_t taps, int32_t *sum);

#endif // KERNELS_DSP_DOT_H
