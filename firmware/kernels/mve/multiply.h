// Four pixels against all output channels: the core of the set's convolutions.
#ifndef KERNELS_MVE_MULTIPLY_H
#define KERNELS_MVE_MULTIPLY_H

#include <stdint.h>

#include "layout.h"

// Assembly reads the fields at the offsets of layout.h.
struct multiply_job {
  const int8_t *packed; // as `packed` of struct alpharho_mve_conv
  const int8_t *packed_end;
  const int8_t *inputs;
  const int8_t *blocks_end; // of the whole blocks of `inputs`
  int8_t *out;              // of the first pixel; aligned to words if the channels are a multiple of four
  uint32_t mode;            // see alpharho_mve_multiply_job_set
  int32_t next[MVE_PIXELS]; // how far from `out` the outputs of each pixel are, rising; the first is 0
  int32_t groups;           // of four pixels; they are contiguous in `inputs`
  int32_t advance;          // from the end of the last output word of a pixel to the first of the next group
  int32_t channels;
  int32_t depth; // taps of a pixel in `packed`
};

// Sets all fields but `out` and `next`, for one group. `depth` is a multiple of 8. `negatives` is 0 if outputs of sums
// below zero are limited to the zero point or above, else 1. It is bit 30 of the mode; bit 29 says that the channels
// are not a multiple of four, bit 31 that there is half a block of taps, the lower half has the zero point.
void alpharho_mve_multiply_job_set(struct multiply_job *job, const int32_t *packed, int32_t channels,
                                   const int8_t *inputs, int32_t depth, int32_t zero_point, int32_t negatives);

// Computes all channels of four pixels, depth above 16. `inputs` are 16 taps of each pixel, the next 16 of each, and so
// on; if 8 are left of each, these are there twice. Pixels may be there twice, with the same `next`: then they are
// stored twice.
void alpharho_mve_multiply_tile(const struct multiply_job *job);

// The same for groups of four pixels, depth of 8 or of 16, each pixel as it is in memory: all inputs of a group are
// read before any of its outputs is written.
void alpharho_mve_multiply_8(const struct multiply_job *job);
void alpharho_mve_multiply_16(const struct multiply_job *job);

// Copies `taps` bytes, at least 1, of each of four pixels to a tile.
void alpharho_mve_make_tile(const int8_t *const rows[MVE_PIXELS], int32_t taps, int8_t *tile);

// Rows of whole blocks of taps of four pixels.
struct tile_rows {
  const int8_t *first[MVE_PIXELS];
  int32_t advance, count, blocks; // from the end of a row to the next; rows; blocks of a row
};

// Copies them to a tile.
void alpharho_mve_make_tile_rows(const struct tile_rows *rows, int8_t *tile);

// Copies the 27 taps of four pixels of a 3x3 window on 3 channels, `step` bytes apart, to a tile: three rows of 9
// bytes, `pitch` bytes apart. Reads 16 bytes from the first tap of each row on, and writes up to 16 bytes beyond the
// tile.
void alpharho_mve_make_tile_rgb(const int8_t *from, int32_t pitch, int32_t step, int8_t *tile);

#endif // KERNELS_MVE_MULTIPLY_H
