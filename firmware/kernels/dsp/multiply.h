// Some pixels against all output channels: the core of the set's convolutions, and of those of set m7.
#ifndef KERNELS_DSP_MULTIPLY_H
#define KERNELS_DSP_MULTIPLY_H

#include <stddef.h>
#include <stdint.h>

#include "layout.h"

enum {
  PIXELS = 4,     // computed side by side
  BLOCK_TAPS = 4, // one word of weights for each of two channels; `depth` is a multiple of this
  PAIR_TAPS = 2,  // of which a pixel's are one word of expanded inputs
};

// Read by assembly, with the offsets of layout.h.
struct multiply_job {
  const int32_t *packed;  // see struct alpharho_dsp_conv
  const uint32_t *inputs; // output of alpharho_dsp_expand
  int8_t *out;            // of the first pixel
  int32_t
      steps[2]; // bytes from one pixel's outputs to the next one's: from the first and the third, and from the second
  const int32_t *packed_end;
  uint32_t
      skip; // bytes of code that the first pass through the unrolled loop leaves out, so that the last ends at its end
  const uint32_t *inputs_end;
  int32_t negatives; // not 0: negative outputs differ from 0, so that halves of negative sums are rounded away from it
  int32_t rounding;  // 2 * output zero point + 1
};

// Compute all channels of four pixels, four channels, two or one at a time. The last group of pixels may have one
// twice.
void alpharho_dsp_multiply_quad(const struct multiply_job *job);
void alpharho_dsp_multiply_pair(const struct multiply_job *job);
void alpharho_dsp_multiply_single(const struct multiply_job *job);

// The same of a pixel that is alone in its group, four channels or two at a time: all four expanded ones are that one.
void alpharho_dsp_multiply_quad_last(const struct multiply_job *job);
void alpharho_dsp_multiply_last(const struct multiply_job *job);

// Read by assembly, too.
struct expand_job {
  const int8_t *rows[PIXELS]; // aligned to words or not
  uint32_t *to;
  uint32_t *end;
};

// Rows of taps become 16-bit halves: for each four taps a word with taps 0 and 2 of each pixel,
// then a word with taps 1 and 3 of each. The pixels' order is 3, 0, 1, 2.
void alpharho_dsp_expand(const struct expand_job *job);

enum { RGB_ROW = 9, RGB_TAPS = 27 };

// The same of windows of 27 taps, three rows of 9 bytes, `pitch` apart: the first 8 bytes of each row, then the ninth
// of each. From a pixel's window to the next one's are `step` bytes.
void alpharho_dsp_expand_rgb(const int8_t *from, int32_t pitch, int32_t step, uint32_t *to);

#ifdef KERNELS_DSP_ASSEMBLY
_Static_assert(offsetof(struct multiply_job, packed) == MULTIPLY_JOB_PACKED, "layout.h");
_Static_assert(offsetof(struct multiply_job, inputs) == MULTIPLY_JOB_INPUTS, "layout.h");
_Static_assert(offsetof(struct multiply_job, out) == MULTIPLY_JOB_OUT, "layout.h");
_Static_assert(offsetof(struct multiply_job, steps) == MULTIPLY_JOB_STEPS, "layout.h");
_Static_assert(offsetof(struct multiply_job, packed_end) == MULTIPLY_JOB_PACKED_END, "layout.h");
_Static_assert(offsetof(struct multiply_job, skip) == MULTIPLY_JOB_SKIP, "layout.h");
_Static_assert(offsetof(struct multiply_job, inputs_end) == MULTIPLY_JOB_INPUTS_END, "layout.h");
_Static_assert(offsetof(struct multiply_job, negatives) == MULTIPLY_JOB_NEGATIVES, "layout.h");
_Static_assert(offsetof(struct multiply_job, rounding) == MULTIPLY_JOB_ROUNDING, "layout.h");
_Static_assert(offsetof(struct expand_job, rows) == EXPAND_JOB_ROWS, "layout.h");
_Static_assert(offsetof(struct expand_job, to) == EXPAND_JOB_TO, "layout.h");
_Static_assert(offsetof(struct expand_job, end) == EXPAND_JOB_END, "layout.h");
#endif

#endif // KERNELS_DSP_MULTIPLY_H
