// What the assembly of the convolutions computes, in C for any number of pixels: the model, and for tests elsewhere.
#ifndef KERNELS_DSP_MULTIPLY_IN_C_H
#define KERNELS_DSP_MULTIPLY_IN_C_H

#include "instructions.h"
#include "multiply.h"

// Where pixel i has its outputs, from the first pixel's on.
static inline int32_t multiply_offset(const struct multiply_job *job, int32_t i) {
  return (i + 1) / 2 * job->steps[0] + i / 2 * job->steps[1];
}

// Where pixel i has its word among those of a pair of taps.
static inline int32_t multiply_place(int32_t i, int32_t first, int32_t pixels) { return (i + first) % pixels; }

// A sum of doubled inputs to int8. `scaling` is multiplier, (zero point + 1 / 2) * 2^shift, and right shift.
static inline int8_t multiply_scaled(int32_t sum, const int32_t *scaling, int32_t negatives) {
  const int32_t high = multiply_high_add(sum, scaling[0], scaling[1]);
  return (int8_t)saturated((high + (negatives ? sum >> 31 : 0)) >> scaling[2]);
}

// Sums of a pixel and two channels to int8. The second one is of both where weights are `joined`.
static inline void multiply_store(const uint32_t *sum, const int32_t *scaling, int32_t negatives, int joined,
                                  int8_t *out) {
  const int32_t first = (int32_t)sum[0], second = (int32_t)(joined ? sum[1] - sum[0] : sum[1]);
  out[0] = multiply_scaled(first, scaling, negatives);
  if (joined && !negatives) {
    out[1] = (int8_t)saturated(multiply_high_add_down(second, scaling[3], scaling[4]) >> scaling[5]);
  } else {
    out[1] = multiply_scaled(joined ? second >> 8 : second, scaling + 3, negatives);
  }
}

// Where weights are `joined`, those of two channels are one number, and so are their sums.
static inline void multiply_pair_in_c(const struct multiply_job *job, int32_t pixels, int32_t first, int joined) {
  int8_t *out = job->out;
  for (const int32_t *w = job->packed; w != job->packed_end; out += 2) {
    uint32_t sum[PIXELS_MOST][2];
    for (int32_t i = 0; i < pixels; i++) {
      sum[i][0] = (uint32_t)w[0];
      sum[i][1] = (uint32_t)w[1];
    }
    w += 2;
    for (const uint32_t *x = job->inputs; x != job->inputs_end; x += pixels, w++) {
      const uint32_t second = joined ? (uint32_t)*w : expand_odd((uint32_t)*w);
      for (int32_t i = 0; i < pixels; i++) {
        const uint32_t two = x[multiply_place(i, first, pixels)];
        sum[i][0] = multiply_pairs(two, expand_even((uint32_t)*w), sum[i][0]);
        sum[i][1] = multiply_pairs(two, second, sum[i][1]);
      }
    }
    for (int32_t i = pixels - 1; i >= 0; i--) {
      multiply_store(sum[i], w, job->negatives, joined, out + multiply_offset(job, i));
    }
    w += 6;
  }
}

static inline void expand_in_c(const struct expand_job *job, int32_t pixels, int32_t first) {
  int32_t at = 0;
  for (uint32_t *to = job->to; to != job->end; to += 2 * pixels, at += BLOCK_TAPS) {
    for (int32_t i = 0; i < pixels; i++) {
      const uint32_t four = load_word(job->rows[i] + at);
      to[multiply_place(i, first, pixels)] = twice_halves(expand_even(four));
      to[pixels + multiply_place(i, first, pixels)] = twice_halves(expand_odd(four));
    }
  }
}

static inline void expand_rgb_pixel(const int8_t *from, int32_t pitch, int32_t pixels, uint32_t *to) {
  const int8_t *row = from;
  for (int32_t ky = 0; ky < RGB_TAPS / RGB_ROW; ky++, row += pitch, to += 4 * pixels) {
    const uint32_t first = load_word(row), second = load_word(row + 4);
    to[0] = twice_halves(expand_even(first));
    to[pixels] = twice_halves(expand_odd(first));
    to[2 * pixels] = twice_halves(expand_even(second));
    to[3 * pixels] = twice_halves(expand_odd(second));
  }
  const int8_t *last = from + RGB_ROW - 1;
  to[0] = twice_halves(((uint32_t)last[0] & 0xffffu) | (uint32_t)last[2 * pitch] << 16);
  to[pixels] = twice_halves((uint32_t)last[pitch] & 0xffffu);
}

static inline void expand_rgb_in_c(const int8_t *from, int32_t pitch, int32_t step, uint32_t *to, int32_t pixels,
                                   int32_t first) {
  for (int32_t i = 0; i < pixels; i++) {
    expand_rgb_pixel(from + i * step, pitch, pixels, to + multiply_place(i, first, pixels));
  }
}

#endif // KERNELS_DSP_MULTIPLY_IN_C_H
