// Four pixels against all output channels: the core of the set's convolutions.
#ifndef KERNELS_DSP_MULTIPLY_H
#define KERNELS_DSP_MULTIPLY_H

#include <stddef.h>
#include <stdint.h>

#include "layout.h"

enum {
  PIXELS = 4,      // computed side by side
  BLOCK_TAPS = 4,  // one word of weights
  BLOCK_WORDS = 8, // of expanded inputs: four pixels, four taps, 16 bits each
  UNIT_TAPS = 8,   // `depth` is a multiple of this
};

// Read by assembly, with the offsets of layout.h.
struct multiply_job {
  const int32_t *packed; // channel after channel: bias, weights, doubled multiplier, right shift - 1
  const int32_t *packed_end;
  const uint32_t *inputs; // output of alpharho_dsp_expand_pixels
  const uint32_t *inputs_end;
  int32_t rounding; // 2 * output zero point + 1
  int8_t *out;      // of the first pixel
  int32_t next[3];  // offsets of the other pixels' outputs from it
  uint32_t skip;    // see alpharho_dsp_multiply_job_set
};

// Set all but `out` and `next`. `depth` is taps rounded up to UNIT_TAPS.
void alpharho_dsp_multiply_job_set(struct multiply_job *job, const int32_t *packed, int32_t channels,
                                   const uint32_t *inputs, int32_t depth, int32_t zero_point);

// Compute all channels of four pixels. A pixel may be there twice, at the same `next`; it is then stored twice.
void alpharho_dsp_multiply_pixels(const struct multiply_job *job);

// Read by assembly, too. Four rows of taps become 16 bits each: for four taps, a word with taps 0 and 2 of each pixel,
// then a word with taps 1 and 3 of each.
struct expand_job {
  const int8_t *rows[PIXELS]; // aligned to words
  uint32_t *to;
  uint32_t *end;
};

void alpharho_dsp_expand_pixels(const struct expand_job *job);

#ifdef KERNELS_DSP_ASSEMBLY
_Static_assert(offsetof(struct multiply_job, packed) == MULTIPLY_JOB_PACKED, "layout.h");
_Static_assert(offsetof(struct multiply_job, packed_end) == MULTIPLY_JOB_PACKED_END, "layout.h");
_Static_assert(offsetof(struct multiply_job, inputs) == MULTIPLY_JOB_INPUTS, "layout.h");
_Static_assert(offsetof(struct multiply_job, inputs_end) == MULTIPLY_JOB_INPUTS_END, "layout.h");
_Static_assert(offsetof(struct multiply_job, rounding) == MULTIPLY_JOB_ROUNDING, "layout.h");
_Static_assert(offsetof(struct multiply_job, out) == MULTIPLY_JOB_OUT, "layout.h");
_Static_assert(offsetof(struct multiply_job, next) == MULTIPLY_JOB_NEXT, "layout.h");
_Static_assert(offsetof(struct multiply_job, skip) == MULTIPLY_JOB_SKIP, "layout.h");
_Static_assert(offsetof(struct expand_job, rows) == EXPAND_JOB_ROWS, "layout.h");
_Static_assert(offsetof(struct expand_job, to) == EXPAND_JOB_TO, "layout.h");
_Static_assert(offsetof(struct expand_job, end) == EXPAND_JOB_END, "layout.h");
#endif

#endif // KERNELS_DSP_MULTIPLY_H
