#include "multiply.h"

#include <stddef.h>

#include "layout.h"

RV32_ASSERT_OFFSET(struct multiply_job, pairs, JOB_PAIRS);
RV32_ASSERT_OFFSET(struct multiply_job, end, JOB_END);
RV32_ASSERT_OFFSET(struct multiply_job, packed, JOB_PACKED);
RV32_ASSERT_OFFSET(struct multiply_job, out, JOB_OUT);
RV32_ASSERT_OFFSET(struct multiply_job, pitch, JOB_PITCH);
RV32_ASSERT_OFFSET(struct multiply_job, lanes, JOB_LANES);
RV32_ASSERT_OFFSET(struct multiply_job, rounding, JOB_ROUNDING);
RV32_ASSERT_OFFSET(struct multiply_job, min, JOB_MIN);
RV32_ASSERT_OFFSET(struct multiply_job, max, JOB_MAX);
RV32_ASSERT_OFFSET(struct multiply_job, groups, JOB_GROUPS);
RV32_ASSERT_OFFSET(struct multiply_job, negatives, JOB_NEGATIVES);

#ifndef KERNELS_RV32_ASSEMBLY // multiply.S has it for these cores.

#include "rounding.h"

// Two pixels: both sums, and the upper one, which is taken off in the end.
struct sums {
  uint32_t both, upper;
};

static uint32_t times(uint32_t pair, int32_t weight) { return pair * (uint32_t)weight; }

static struct sums dot(const struct multiply_job *job, int32_t pair, const int8_t *weights, int32_t bias) {
  struct sums s = {(uint32_t)bias * 0x10001u, (uint32_t)bias - (uint32_t)job->lanes};
  for (const uint32_t *in = job->pairs + pair; in < job->end; in += 4, weights += 2 * CHANNELS) {
    const uint32_t two = times(in[0], weights[0]) + times(in[2], weights[1]);
    s.both += two;
    s.upper += (two + PAIR_BIAS) >> 16;
  }
  return s;
}

static void channel(const struct multiply_job *job, int32_t c, const int32_t *scaling) {
  const int8_t *const weights = (const int8_t *)(job->packed + CHANNELS) + 2 * c;
  const int32_t right = ((const int8_t *)(scaling + CHANNELS))[c];
  const struct scaling s = scaling_of(scaling[c], right, job->rounding, job->min, job->max);
  const int32_t at[PIXELS] = {0, job->pitch[0], job->pitch[1], job->pitch[2]};
  for (int32_t pair = 0; pair < PIXELS / 2; pair++) {
    const struct sums sums = dot(job, pair, weights, job->packed[c]);
    const uint32_t first = sums.both - (sums.upper << 16);
    job->out[at[2 * pair] + c] = round_sum((int32_t)first, &s, job->negatives);
    job->out[at[2 * pair + 1] + c] = round_sum((int32_t)sums.upper, &s, job->negatives);
  }
}

void alpharho_rv32_multiply(struct multiply_job *job) {
  const ptrdiff_t taps = (job->end - job->pairs) / 2;
  for (; job->groups > 0; job->groups--, job->out += CHANNELS) {
    const int32_t *const scaling = job->packed + CHANNELS + taps;
    for (int32_t c = 0; c < CHANNELS; c++) {
      channel(job, c, scaling);
    }
    job->packed = scaling + CHANNELS + 1;
  }
}

#endif
