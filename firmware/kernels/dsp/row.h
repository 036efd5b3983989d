// A row of output of a depthwise convolution, four channels at a time.
#ifndef KERNELS_DSP_ROW_H
#define KERNELS_DSP_ROW_H

#include <stddef.h>
#include <stdint.h>

#include "layout.h"

enum { SIDE_MAX = 5, CHANNELS = 4 };

// Read by assembly, with the offsets of layout.h.
struct row_job {
  int32_t rounding;      // 2 * output zero point + 1
  const int32_t *packed; // see struct alpharho_dsp_depthwise
  const int32_t *packed_end;
  int32_t advance; // bytes from the end of a window's first column to the next window
  int32_t pixels;
  int32_t channels;
  int8_t *out;
  const int8_t *rows[SIDE_MAX];
};

#ifdef KERNELS_DSP_ASSEMBLY
_Static_assert(CHANNELS * sizeof(int32_t) == ROW_PACKED_TAPS, "layout.h");
_Static_assert(offsetof(struct row_job, rounding) == ROW_JOB_ROUNDING, "layout.h");
_Static_assert(offsetof(struct row_job, packed) == ROW_JOB_PACKED, "layout.h");
_Static_assert(offsetof(struct row_job, packed_end) == ROW_JOB_PACKED_END, "layout.h");
_Static_assert(offsetof(struct row_job, advance) == ROW_JOB_ADVANCE, "layout.h");
_Static_assert(offsetof(struct row_job, pixels) == ROW_JOB_PIXELS, "layout.h");
_Static_assert(offsetof(struct row_job, channels) == ROW_JOB_CHANNELS, "layout.h");
_Static_assert(offsetof(struct row_job, out) == ROW_JOB_OUT, "layout.h");
_Static_assert(offsetof(struct row_job, rows) == ROW_JOB_ROWS, "layout.h");
#endif

// Compute one row of output. Windows of 3x3 or 5x5 taps; `wide` with two words of weights per tap.
void alpharho_dsp_row_3x3(const struct row_job *job);
void alpharho_dsp_row_5x5(const struct row_job *job);
void alpharho_dsp_wide_row_3x3(const struct row_job *job);
void alpharho_dsp_wide_row_5x5(const struct row_job *job);

// The same of 3x3 taps and windows that are one column apart, two pixels at a time: `pixels` counts pairs, `advance` is
// from a pair to the next.
void alpharho_dsp_row_pair_3x3(const struct row_job *job);
void alpharho_dsp_wide_row_pair_3x3(const struct row_job *job);

// The same of windows that are two columns apart.
void alpharho_dsp_row_pair_3x3_stride_2(const struct row_job *job);
void alpharho_dsp_wide_row_pair_3x3_stride_2(const struct row_job *job);

#endif // KERNELS_DSP_ROW_H
