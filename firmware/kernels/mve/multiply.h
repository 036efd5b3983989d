// Four pixels against all output channels: the core of the set's convolutions.
#ifndef KERNELS_MVE_MULTIPLY_H
#define KERNELS_MVE_MULTIPLY_H

#include <stdint.h>

enum {
  PIXELS = 4,   // computed side by side
  CHANNELS = 4, // one after the other
  BLOCK = 16,   // taps in a vector
  HALF = 8,     // `depth` is a multiple
};

// Read by assembly: the order of the fields matters.
struct multiply_job {
  const int8_t *packed; // see struct alpharho_mve_conv: of four channels after four
  const int8_t *packed_end;
  const int8_t *inputs;
  const int8_t *blocks_end; // of the whole blocks of `inputs`
  int8_t *out;              // of the first pixel, aligned to words
  int32_t zero_point;
  int32_t next[PIXELS]; // how far behind it the outputs of each pixel begin
  uint32_t skip;        // see multiply_job_set
  int32_t groups;       // of four pixels; they are contiguous in `inputs`
  int32_t advance;      // from the end of a pixel's outputs to the next group's first
  int32_t depth;
};

// Set all but `out` and `next`, for the first `channels` channels, a multiple of four, and one group.
void multiply_job_set(struct multiply_job *job, const int32_t *packed, int32_t channels, const int8_t *inputs,
                      int32_t depth, int32_t zero_point);

// Compute all channels of four pixels, more than 16 taps of each. `inputs` are 16 taps of each pixel, the next 16 of
// each, and so on; if eight are left of each, these are there twice. Pixels may be given twice, at the same `next`:
// then they are stored twice.
void multiply_tile(const struct multiply_job *job);

// The same for groups of four pixels, each pixel as it is in memory: all inputs of a group are read before any of its
// outputs is written. `next` must be set.
void multiply_8(const struct multiply_job *job);
void multiply_16(const struct multiply_job *job);

// Bring `taps` of four pixels into a tile.
void make_tile(const int8_t *const rows[PIXELS], int32_t taps, int8_t *tile);

#endif // KERNELS_MVE_MULTIPLY_H
