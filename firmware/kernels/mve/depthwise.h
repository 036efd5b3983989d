// Rows of depthwise convolutions.
#ifndef KERNELS_MVE_DEPTHWISE_H
#define KERNELS_MVE_DEPTHWISE_H

#include <stdint.h>

#include "layout.h"
#include "mve.h"

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

void alpharho_mve_row_3x3(const struct depthwise_row *row);

// For rows with `advance` and `out_advance` of 0 and a multiple of 16 channels.
void alpharho_mve_row_3x3_dense(const struct depthwise_row *row);

void alpharho_mve_row_5x5(const struct depthwise_row *row);

// One row of output of any window. Assembly reads the fields at the offsets of layout.h.
struct depthwise_taps {
  const int32_t *packed;
  int32_t channels;
  const int32_t *table; // places of 2 * pairs + 1 taps, from `in`
  int32_t pairs;
  const int8_t *in;
  int8_t *out;
  uint32_t mode; // zero point in the lower half, negatives as bit 31
  int32_t pixels;
  int32_t advance, out_advance; // as in struct depthwise_row
};

void alpharho_mve_depthwise_taps(const struct depthwise_taps *row);

// Of struct depthwise_taps.
static inline uint32_t depthwise_mode(int32_t zero_point, int32_t negatives) {
  return ((uint32_t)zero_point & 0xffffu) | (uint32_t)negatives << 31;
}

// Channels of the blocks that cover a pixel.
static inline int32_t depthwise_covered(int32_t channels) { return (channels + MVE_BLOCK - 1) / MVE_BLOCK * MVE_BLOCK; }

// All rows of output, each by `row` from a ring of input rows.
typedef void (*depthwise_row_of_t)(const struct alpharho_mve_depthwise *p, const int8_t *ring, int32_t y, int8_t *out);
void alpharho_mve_depthwise_rows(const struct alpharho_mve_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch,
                                 depthwise_row_of_t row);

// Limits a row of output to the range of a fused activation.
void alpharho_mve_depthwise_limit(const struct alpharho_mve_depthwise *p, int8_t *out);

#ifndef KERNELS_MVE_ASSEMBLY

// The C model of all functions of a row.
void alpharho_mve_depthwise_in_c(const struct depthwise_taps *row);

#endif

#endif // KERNELS_MVE_DEPTHWISE_H
