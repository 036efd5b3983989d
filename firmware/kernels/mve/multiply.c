// What the assembly of multiply_tile.S and multiply_small.S needs, and the C model of both.
#include "multiply.h"

#include <stddef.h>
#include <string.h>

#include "arithmetic.h"

MVE_ASSERT_OFFSET(struct multiply_job, packed, JOB_PACKED);
MVE_ASSERT_OFFSET(struct multiply_job, packed_end, JOB_PACKED_END);
MVE_ASSERT_OFFSET(struct multiply_job, inputs, JOB_INPUTS);
MVE_ASSERT_OFFSET(struct multiply_job, blocks_end, JOB_BLOCKS_END);
MVE_ASSERT_OFFSET(struct multiply_job, out, JOB_OUT);
MVE_ASSERT_OFFSET(struct multiply_job, mode, JOB_MODE);
MVE_ASSERT_OFFSET(struct multiply_job, next, JOB_NEXT);
MVE_ASSERT_OFFSET(struct multiply_job, groups, JOB_GROUPS);
MVE_ASSERT_OFFSET(struct multiply_job, advance, JOB_ADVANCE);
MVE_ASSERT_OFFSET(struct multiply_job, channels, JOB_CHANNELS);

void alpharho_mve_multiply_job_set(struct multiply_job *job, const int32_t *packed, int32_t channels,
                                   const int8_t *inputs, int32_t depth, int32_t zero_point, int32_t negatives) {
  const int32_t units = (channels + MVE_CHANNELS - 1) / MVE_CHANNELS;
  job->packed = (const int8_t *)packed;
  job->packed_end = job->packed + units * MVE_CHANNELS * (depth + 3 * 4);
  job->inputs = inputs;
  job->blocks_end = inputs + depth / MVE_BLOCK * MVE_BLOCK * MVE_PIXELS;
  job->mode = ((uint32_t)zero_point & 0xffffu) | (uint32_t)negatives << 30 |
              (uint32_t)(channels % MVE_CHANNELS != 0) << 29 | (uint32_t)(depth % MVE_BLOCK != 0) << 31;
  job->groups = 1;
  job->advance = 0;
  job->channels = channels;
  job->depth = depth;
}

#ifndef KERNELS_MVE_ASSEMBLY

// Weight of one of the four channels at `packed`, of tap `k` of `depth`.
static int32_t weight(const int8_t *packed, int32_t depth, int32_t channel, int32_t k) {
  const int32_t size = depth - k / MVE_BLOCK * MVE_BLOCK < MVE_BLOCK ? MVE_HALF : MVE_BLOCK;
  return packed[channel / 2 * 2 * depth + k / MVE_BLOCK * MVE_BLOCK * 2 + channel % 2 * size + k % MVE_BLOCK];
}

// All channels of one pixel, whose blocks of taps are `pitch` bytes apart.
static void multiply_pixel(const struct multiply_job *job, const int8_t *x, int32_t pitch, int8_t *out) {
  const int32_t depth = job->depth, negatives = (int32_t)(job->mode >> 30 & 1u);
  for (int32_t c = 0; c < job->channels; c++) {
    const int8_t *const w = job->packed + c / MVE_CHANNELS * MVE_CHANNELS * (depth + 3 * 4);
    const int32_t *const scaling = (const int32_t *)(const void *)(w + MVE_CHANNELS * depth) + c % MVE_CHANNELS * 3;
    uint32_t sum = (uint32_t)scaling[0];
    for (int32_t k = 0; k < depth; k++) {
      sum += (uint32_t)(x[k / MVE_BLOCK * pitch + k % MVE_BLOCK] * weight(w, depth, c % MVE_CHANNELS, k));
    }
    out[c] = requantize_sum((int32_t)sum, scaling[1], scaling[2], (int16_t)job->mode, negatives);
  }
}

void alpharho_mve_multiply_tile(const struct multiply_job *job) {
  for (int32_t i = 0; i < MVE_PIXELS; i++) {
    multiply_pixel(job, job->inputs + i * MVE_BLOCK, MVE_PIXELS * MVE_BLOCK, job->out + job->next[i]);
  }
}

static void multiply_groups(const struct multiply_job *job) {
  const int32_t words = (job->channels + MVE_CHANNELS - 1) / MVE_CHANNELS * MVE_CHANNELS;
  const int8_t *x = job->inputs;
  int8_t *out = job->out;
  for (int32_t group = 0; group < job->groups; group++, x += MVE_PIXELS * job->depth, out += words + job->advance) {
    int8_t inputs[MVE_PIXELS * MVE_BLOCK];
    memcpy(inputs, x, (size_t)(MVE_PIXELS * job->depth));
    for (int32_t i = 0; i < MVE_PIXELS; i++) {
      multiply_pixel(job, inputs + i * job->depth, MVE_BLOCK, out + job->next[i]);
    }
  }
}

void alpharho_mve_multiply_8(const struct multiply_job *job) { multiply_groups(job); }

void alpharho_mve_multiply_16(const struct multiply_job *job) { multiply_groups(job); }

#endif
