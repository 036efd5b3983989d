// What the assembly of the convolutions computes, in C: the model, and for tests elsewhere.
#ifndef KERNELS_DSP_MULTIPLY_IN_C_H
#define KERNELS_DSP_MULTIPLY_IN_C_H

#include <string.h>

#include "instructions.h"
#include "multiply.h"

// Where pixel i has its outputs, from the first pixel's on.
static inline int32_t multiply_offset(const struct multiply_job *job, int32_t i) {
  return (i + 1) / 2 * job->steps[0] + i / 2 * job->steps[1];
}

// Where pixel i has its word among those of a pair of taps.
static inline int32_t multiply_place(int32_t i) { return (i + 1) % PIXELS; }

// An output from twice a sum. `scaling` is multiplier, (zero point + 1 / 2) * 2^shift, and right shift.
static inline int32_t multiply_scaled(int32_t sum, const int32_t *scaling, int32_t negatives) {
  const int32_t high = multiply_high_add(sum, scaling[0], scaling[1]);
  return (high + (negatives ? sum >> 31 : 0)) >> scaling[2];
}

// Outputs of two channels from the sums of the first one and of both.
static inline void multiply_scale_two(const uint32_t *sum, const int32_t *scaling, int32_t negatives, int32_t *out) {
  const int32_t first = (int32_t)sum[0], second = (int32_t)(sum[1] - sum[0]); // 2^8 times the sum of the second one
  out[0] = multiply_scaled(2 * first, scaling, negatives);
  out[1] = negatives ? multiply_scaled(second >> 7, scaling + 3, negatives)
                     : multiply_high_add_down(second, scaling[3], scaling[4]) >> scaling[5];
}

static inline void multiply_store(const uint32_t *sum, const int32_t *scaling, int32_t negatives, int8_t *out) {
  int32_t values[2];
  multiply_scale_two(sum, scaling, negatives, values);
  out[0] = (int8_t)saturated(values[0]);
  out[1] = (int8_t)saturated(values[1]);
}

// The same of two of four channels: outputs come plus 128, as 16 bits.
static inline void multiply_store_of_four(const uint32_t *sum, const int32_t *w, int32_t negatives, int8_t *out) {
  const int32_t scaling[] = {w[0], w[1], w[4] & 0xff, w[2], w[3], w[4] >> 8};
  int32_t values[2];
  multiply_scale_two(sum, scaling, negatives, values);
  out[0] = (int8_t)saturated((int16_t)values[0] - 128);
  out[1] = (int8_t)saturated((int16_t)values[1] - 128);
}

// The weights of two channels are one number, and so are their sums.
static inline void multiply_pair_in_c(const struct multiply_job *job) {
  int8_t *out = job->out;
  for (const int32_t *w = job->packed; w != job->packed_end; out += 2) {
    uint32_t sum[PIXELS][2];
    for (int32_t i = 0; i < PIXELS; i++) {
      sum[i][0] = (uint32_t)w[0];
      sum[i][1] = (uint32_t)w[1];
    }
    w += 2;
    for (const uint32_t *x = job->inputs; x != job->inputs_end; x += PIXELS, w++) {
      for (int32_t i = 0; i < PIXELS; i++) {
        const uint32_t two = x[multiply_place(i)];
        sum[i][0] = multiply_pairs(two, expand_even((uint32_t)*w), sum[i][0]);
        sum[i][1] = multiply_pairs(two, (uint32_t)*w, sum[i][1]);
      }
    }
    for (int32_t i = PIXELS - 1; i >= 0; i--) {
      multiply_store(sum[i], w, job->negatives, out + multiply_offset(job, i));
    }
    w += 6;
  }
}

// Four channels, the weights of the first two and of the last two as one number. Their right shifts are two bytes.
static inline void multiply_quad_in_c(const struct multiply_job *job) {
  int8_t *out = job->out;
  for (const int32_t *w = job->packed; w != job->packed_end; out += 4) {
    uint32_t sum[PIXELS][4];
    for (int32_t i = 0; i < PIXELS; i++) {
      memcpy(sum[i], w, sizeof sum[i]);
    }
    w += 4;
    for (const uint32_t *x = job->inputs; x != job->inputs_end; x += PIXELS, w += 2) {
      for (int32_t i = 0; i < PIXELS; i++) {
        const uint32_t two = x[multiply_place(i)];
        for (int32_t c = 0; c < 4; c += 2) {
          sum[i][c] = multiply_pairs(two, expand_even((uint32_t)w[c / 2]), sum[i][c]);
          sum[i][c + 1] = multiply_pairs(two, (uint32_t)w[c / 2], sum[i][c + 1]);
        }
      }
    }
    for (int32_t c = 0; c < 4; c += 2, w += 5) {
      for (int32_t i = PIXELS - 1; i >= 0; i--) {
        multiply_store_of_four(sum[i] + c, w, job->negatives, out + c + multiply_offset(job, i));
      }
    }
  }
}

static inline void expand_in_c(const struct expand_job *job) {
  int32_t at = 0;
  for (uint32_t *to = job->to; to != job->end; to += 2 * PIXELS, at += BLOCK_TAPS) {
    for (int32_t i = 0; i < PIXELS; i++) {
      const uint32_t four = load_word(job->rows[i] + at);
      to[multiply_place(i)] = expand_even(four);
      to[PIXELS + multiply_place(i)] = expand_odd(four);
    }
  }
}

static inline void expand_rgb_pixel(const int8_t *from, int32_t pitch, uint32_t *to) {
  const int8_t *row = from;
  for (int32_t ky = 0; ky < RGB_TAPS / RGB_ROW; ky++, row += pitch, to += 4 * PIXELS) {
    const uint32_t first = load_word(row), second = load_word(row + 4);
    to[0] = expand_even(first);
    to[PIXELS] = expand_odd(first);
    to[2 * PIXELS] = expand_even(second);
    to[3 * PIXELS] = expand_odd(second);
  }
  const int8_t *last = from + RGB_ROW - 1;
  to[0] = ((uint32_t)last[0] & 0xffffu) | (uint32_t)last[2 * pitch] << 16;
  to[PIXELS] = (uint32_t)last[pitch] & 0xffffu;
}

static inline void expand_rgb_in_c(const int8_t *from, int32_t pitch, int32_t step, uint32_t *to) {
  for (int32_t i = 0; i < PIXELS; i++) {
    expand_rgb_pixel(from + i * step, pitch, to + multiply_place(i));
  }
}

#endif // KERNELS_DSP_MULTIPLY_IN_C_H
