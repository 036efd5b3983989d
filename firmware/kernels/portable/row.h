// Rows of depthwise convolutions of 3x3 on cores without a product of 64 bits.
#ifndef KERNELS_PORTABLE_ROW_H
#define KERNELS_PORTABLE_ROW_H

#include <stdint.h>

// Two output pixels of a plain operator (requant.h). Assembly reads the fields at the offsets of layout.h.
struct row_job {
  const int32_t *bias;
  const int32_t *multiplier;
  const int8_t *shift;
  int32_t rounding;         // 2 * output zero point + 1
  int8_t *out, *second_out; // of each pixel
  int32_t channels;
  const int8_t *rows[3]; // the first tap of the first pixel in each
  int32_t step;          // to the first tap of the second pixel
  const int8_t *weights; // (channels, 3, 3)
};

void alpharho_row_3x3_pair(const struct row_job *job);

#endif // KERNELS_PORTABLE_ROW_H
