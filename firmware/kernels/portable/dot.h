// Products of int8 rows: the inner loop of convolutions.
//
// A word holds the inputs of two pixels, a + (b << 16): times a weight, it is both products, in one multiplication. Two
// taps of any int8 add up to -32,512 to 32,768, and with LANE_BIAS more both sums are above 0 and fit 16 bits.
// Then the word is added to one sum of 32 bits and its upper half to another, which is taken off the first in the end.
#ifndef KERNELS_PORTABLE_DOT_H
#define KERNELS_PORTABLE_DOT_H

#include "requant.h"

#define LANE_BIAS 0x7f80u
#define PAIR_BIAS (LANE_BIAS << 16 | LANE_BIAS)

static inline uint32_t pair_of(int8_t a, int8_t b) { return (uint32_t)a + ((uint32_t)b << 16); }

// Two pixels against output channels. Assembly reads the fields at the offsets of layout.h.
struct pair_job {
  const int8_t *weights; // (channels, depth); changed
  const int32_t *bias;   // changed
  uint32_t lanes;        // LANE_BIAS for every two taps, and for a last one
  int32_t depth;
  const uint32_t *pairs; // `depth` of them
  const uint32_t *eights_end;
  const uint32_t *twos_end;
  int32_t channels;          // 1 or more; changed
  const int32_t *multiplier; // of the first channel, as in struct alpharho_requant; changed
  const int8_t *shift;       // changed
  int8_t *out;               // of the first pixel; changed
  int32_t rounding;          // 2 * zero_point + 1
  int32_t plain;             // is_plain of all channels
  int32_t step;
  int32_t zero_point, min, max;
  int32_t pitch; // from an output of the first pixel to that of the second; 0 with one pixel
};

// Set what stays the same for all pixels, but for `plain`.
static inline void set_job(struct pair_job *job, const struct alpharho_requant *q, const uint32_t *pairs,
                           int32_t depth) {
  job->step = q->step;
  job->zero_point = q->zero_point;
  job->min = q->min;
  job->max = q->max;
  job->rounding = 2 * q->zero_point + 1;
  job->pairs = pairs;
  job->eights_end = pairs + (depth & ~7);
  job->twos_end = pairs + (depth & ~1);
  job->depth = depth;
  job->lanes = (uint32_t)((depth + 1) / 2) * LANE_BIAS;
}

// How the sums of the job's next channel become int8.
static inline struct alpharho_requant requant_of(const struct pair_job *job) {
  return (struct alpharho_requant){
      job->multiplier, job->shift, (int8_t)job->step, (int8_t)job->zero_point, (int8_t)job->min, (int8_t)job->max,
  };
}

// Compute the outputs of all channels.
void alpharho_multiply_pairs(struct pair_job *job);

#endif // KERNELS_PORTABLE_DOT_H
