// What the assembly of the rows computes, in C: the model, and for tests elsewhere.
#ifndef KERNELS_DSP_ROW_IN_C_H
#define KERNELS_DSP_ROW_IN_C_H

#include "instructions.h"
#include "row.h"

// Weights of channels 0 and 2, and 1 and 3, of a tap.
static inline const int32_t *expand(const int32_t *packed, int wide, uint32_t *weights) {
  const uint32_t first = (uint32_t)*packed++;
  weights[0] = wide ? first : expand_even(first);
  weights[1] = wide ? (uint32_t)*packed++ : expand_odd(first);
  return packed;
}

static inline void row_in_c(const struct row_job *job, int32_t side, int wide) {
  int8_t *out = job->out;
  int32_t column = 0;
  for (int32_t x = 0; x < job->pixels; x++, column += job->advance) {
    for (const int32_t *w = job->packed; w != job->packed_end; column += CHANNELS) {
      int32_t sum[CHANNELS];
      for (int32_t c = 0; c < CHANNELS; c++) {
        sum[c] = *w++;
      }
      for (int32_t tap = 0; tap < side * side; tap++) {
        const int8_t *from = job->rows[tap / side] + column + tap % side * job->channels;
        uint32_t weights[2];
        w = expand(w, wide, weights);
        sum[0] += from[0] * (int16_t)weights[0];
        sum[1] += from[1] * (int16_t)weights[1];
        sum[2] += from[2] * (int16_t)(weights[0] >> 16);
        sum[3] += from[3] * (int16_t)(weights[1] >> 16);
      }
      for (int32_t c = 0; c < CHANNELS; c++) {
        *out++ = requantize(sum[c], w[c], w[CHANNELS] >> (8 * c) & 0xff, job->rounding);
      }
      w += CHANNELS + 1;
    }
  }
}

// Two pixels at a time.
static inline void row_pair_in_c(const struct row_job *job, int wide) {
  struct row_job each = *job;
  each.advance = (job->advance - job->channels) / 2;
  each.pixels = 2 * job->pixels;
  row_in_c(&each, 3, wide);
}

#endif // KERNELS_DSP_ROW_IN_C_H
