#include "dot.h"

#include <stddef.h>

#include "layout.h"

PORTABLE_ASSERT_OFFSET(struct pair_job, weights, JOB_WEIGHTS);
PORTABLE_ASSERT_OFFSET(struct pair_job, bias, JOB_BIAS);
PORTABLE_ASSERT_OFFSET(struct pair_job, lanes, JOB_LANES);
PORTABLE_ASSERT_OFFSET(struct pair_job, depth, JOB_DEPTH);
PORTABLE_ASSERT_OFFSET(struct pair_job, pairs, JOB_PAIRS);
PORTABLE_ASSERT_OFFSET(struct pair_job, eights_end, JOB_EIGHTS_END);
PORTABLE_ASSERT_OFFSET(struct pair_job, twos_end, JOB_TWOS_END);
PORTABLE_ASSERT_OFFSET(struct pair_job, channels, JOB_CHANNELS);
PORTABLE_ASSERT_OFFSET(struct pair_job, multiplier, JOB_MULTIPLIER);
PORTABLE_ASSERT_OFFSET(struct pair_job, shift, JOB_SHIFT);
PORTABLE_ASSERT_OFFSET(struct pair_job, out, JOB_OUT);
PORTABLE_ASSERT_OFFSET(struct pair_job, rounding, JOB_ROUNDING);
PORTABLE_ASSERT_OFFSET(struct pair_job, plain, JOB_PLAIN);
PORTABLE_ASSERT_OFFSET(struct pair_job, step, JOB_STEP);
PORTABLE_ASSERT_OFFSET(struct pair_job, zero_point, JOB_ZERO_POINT);
PORTABLE_ASSERT_OFFSET(struct pair_job, min, JOB_MIN);
PORTABLE_ASSERT_OFFSET(struct pair_job, max, JOB_MAX);
PORTABLE_ASSERT_OFFSET(struct pair_job, pitch, JOB_PITCH);

#ifdef KERNELS_MULTIPLY_BY_PARTS

// Called by dot.S.
void alpharho_scale_pair(struct pair_job *job, int32_t first, int32_t second);

// Store the outputs of a channel, and go to the next one.
void alpharho_scale_pair(struct pair_job *job, int32_t first, int32_t second) {
  const struct alpharho_requant q = requant_of(job);
  requantize_two(&q, 0, first, second, job->out, job->out + job->pitch);
  job->multiplier += job->step;
  job->shift += job->step;
  job->out++;
}

#endif

#ifndef __thumb__ // dot.S has it for these cores.

static inline uint32_t times(uint32_t pair, int32_t weight) { return pair * (uint32_t)weight; }

// Add products of `depth` pairs of inputs with two rows of weights: sums of row 0 with the first and second inputs,
// then of row 1. Each sum becomes LANE_BIAS more for every two taps, and for a last one.
static void dot(const uint32_t *pairs, const int8_t *w0, const int8_t *w1, int32_t depth, uint32_t sums[4]) {
  const uint32_t *const end = pairs + (depth & ~1);
  // Both sums, and the upper one, which is taken off in the end.
  uint32_t a = 0, a_upper = 0, b = 0, b_upper = 0;
  for (; pairs != end; pairs += 2, w0 += 2, w1 += 2) {
    const uint32_t two_a = PAIR_BIAS + times(pairs[0], w0[0]) + times(pairs[1], w0[1]);
    const uint32_t two_b = PAIR_BIAS + times(pairs[0], w1[0]) + times(pairs[1], w1[1]);
    a += two_a;
    a_upper += two_a >> 16;
    b += two_b;
    b_upper += two_b >> 16;
  }
  if (depth & 1) {
    const uint32_t one_a = PAIR_BIAS + times(pairs[0], w0[0]), one_b = PAIR_BIAS + times(pairs[0], w1[0]);
    a += one_a;
    a_upper += one_a >> 16;
    b += one_b;
    b_upper += one_b >> 16;
  }
  sums[0] += a - (a_upper << 16);
  sums[1] += a_upper;
  sums[2] += b - (b_upper << 16);
  sums[3] += b_upper;
}

// An odd last channel is computed twice.
void alpharho_multiply_pairs(struct pair_job *job) {
  const struct alpharho_requant q = requant_of(job);
  const int8_t *w = job->weights;
  int8_t *const out = job->out;
  for (int32_t c = 0; c < job->channels; c += 2, w += 2 * job->depth) {
    const int32_t second = c + 1 < job->channels;
    const uint32_t a = (uint32_t)job->bias[c] - job->lanes, b = (uint32_t)job->bias[c + second] - job->lanes;
    uint32_t sums[4] = {a, a, b, b};
    dot(job->pairs, w, w + second * job->depth, job->depth, sums);
    requantize_two(&q, c, (int32_t)sums[0], (int32_t)sums[1], out + c, out + job->pitch + c);
    if (second) {
      requantize_two(&q, c + 1, (int32_t)sums[2], (int32_t)sums[3], out + c + 1, out + job->pitch + c + 1);
    }
  }
}

#endif
