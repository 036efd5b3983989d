// Products of int8 rows: the inner loop of convolutions.
//
// A word holds the inputs of two pixels, a + (b << 16): times a weight, it is both products, in one multiplication. Two
// taps of any int8 add up to -32,512 to 32,768, and with LANE_BIAS more both sums are above 0 and fit 16 bits: then they
// are taken apart, and added to sums of 32 bits.
#ifndef KERNELS_PORTABLE_DOT_H
#define KERNELS_PORTABLE_DOT_H

#include "requant.h"

#define LANE_BIAS 0x7f80u
#define PAIR_BIAS (LANE_BIAS << 16 | LANE_BIAS)

static inline uint32_t pair_of(int8_t a, int8_t b) { return (uint32_t)a + ((uint32_t)b << 16); }

// Add products of `depth` pairs of inputs with two rows of weights: sums of row 0 with the first and second inputs, then
// of row 1. Each sum becomes LANE_BIAS more for every two taps, and for a last one.
void alpharho_dot_pairs(const uint32_t *pairs, const int8_t *const weights[2], int32_t depth, uint32_t sums[4]);

// What to begin a sum with.
static inline uint32_t unbiased(int32_t bias, int32_t depth) {
  return (uint32_t)bias - (uint32_t)((depth + 1) / 2) * LANE_BIAS;
}

#endif // KERNELS_PORTABLE_DOT_H
