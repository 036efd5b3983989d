// Rows of depthwise convolutions of 3x3 on Cortex-M: row.S.
#ifndef KERNELS_PORTABLE_ROW_H
#define KERNELS_PORTABLE_ROW_H

#include <stdint.h>

// Two output pixels. Assembly reads the fields at the offsets of layout.h. With one, the second is the same: it may be
// computed twice.
struct row_job {
  const int32_t *bias;
  const int32_t *multiplier;
  const int8_t *shift;
  int32_t rounding;         // 2 * output zero point + 1
  int8_t *out, *second_out; // of each pixel
  int32_t channels;
  const int8_t *rows[3]; // the first tap of the first pixel in each
  int32_t step;          // to the first tap of the second pixel; 0 with one pixel
  const int8_t *weights; // (channels, 3, 3)
};

// Compute all channels, limited to int8. Multipliers, shifts and biases are those of alpharho_depthwise_3x3.
void alpharho_row_3x3_pair(const struct row_job *job);

#endif // KERNELS_PORTABLE_ROW_H
