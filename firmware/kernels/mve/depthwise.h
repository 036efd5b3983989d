// Rows of depthwise convolutions.
#ifndef KERNELS_MVE_DEPTHWISE_H
#define KERNELS_MVE_DEPTHWISE_H

#include <stdint.h>

enum { DEPTHWISE_SIDE_MIN = 3, DEPTHWISE_SIDE_MAX = 5 };

// One row of output. Assembly reads the fields at the offsets of layout.h.
//
// Blocks of 16 channels cover a pixel: those of the last one that are beyond its channels are neither read nor written,
// but the taps and `out` move on by whole blocks.
struct depthwise_row {
  const int32_t *packed; // as in struct alpharho_mve_depthwise
  int32_t channels;
  const int8_t *taps[DEPTHWISE_SIDE_MIN * DEPTHWISE_SIDE_MIN]; // of the first pixel; of 5x5 the first tap of each row
  int8_t *out;
  int32_t pixels;
  int32_t advance;     // from the end of the blocks of a pixel to the first of the next pixel, of the taps
  int32_t out_advance; // and of `out`
  int32_t zero_point;
  int32_t column;    // of 5x5: from tap to tap in a row
  int32_t negatives; // as in struct multiply_job
};

void alpharho_mve_depthwise_3x3(const struct depthwise_row *row);

// For rows with `advance` and `out_advance` of 0 and a multiple of 16 channels.
void alpharho_mve_depthwise_3x3_dense(const struct depthwise_row *row);

void alpharho_mve_depthwise_5x5(const struct depthwise_row *row);

#endif // KERNELS_MVE_DEPTHWISE_H
