// The inner loop of convolutions: four pixels, two in a word, against four channels.
#ifndef KERNELS_RV32_MULTIPLY_H
#define KERNELS_RV32_MULTIPLY_H

#include <stdint.h>

enum { PIXELS = 4, CHANNELS = 4 };

// A word holds the inputs of two pixels: times a weight, it is both products.
static inline uint32_t pair_of(int8_t a, int8_t b) { return (uint32_t)a + ((uint32_t)b << 16); }

// Assembly reads the fields at the offsets of layout.h.
struct multiply_job {
  const uint32_t *pairs;     // for each tap, pixels 0 and 1, then 2 and 3
  const uint32_t *end;       // a multiple of four taps from `pairs`
  const int32_t *packed;     // of the first channel; changed
  int8_t *out;               // of the first pixel; changed
  int32_t pitch[PIXELS - 1]; // from an output of the first pixel to that of the others
  int32_t lanes;             // LANE_BIAS for every two taps
  int32_t rounding;          // 2 * zero point + 1
  int32_t min, max;
  int32_t groups;    // of four channels, 1 or more; changed
  int32_t negatives; // whether outputs below the zero point differ
};

// Compute the outputs of all groups.
void alpharho_rv32_multiply(struct multiply_job *job);

#endif // KERNELS_RV32_MULTIPLY_H
