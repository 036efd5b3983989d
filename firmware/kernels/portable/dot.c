#include "dot.h"

#ifndef __thumb__ // dot.S has this function for these cores.

static inline uint32_t times(uint32_t pair, int32_t weight) { return pair * (uint32_t)weight; }

void alpharho_dot_pairs(const uint32_t *pairs, const int8_t *const weights[2], int32_t depth, uint32_t sums[4]) {
  const int8_t *w0 = weights[0], *w1 = weights[1];
  const uint32_t *const end = pairs + (depth & ~1);
  uint32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
  for (; pairs != end; pairs += 2, w0 += 2, w1 += 2) {
    const uint32_t a = PAIR_BIAS + times(pairs[0], w0[0]) + times(pairs[1], w0[1]);
    const uint32_t b = PAIR_BIAS + times(pairs[0], w1[0]) + times(pairs[1], w1[1]);
    s0 += a & UINT16_MAX;
    s1 += a >> 16;
    s2 += b & UINT16_MAX;
    s3 += b >> 16;
  }
  if (depth & 1) {
    const uint32_t a = PAIR_BIAS + times(pairs[0], w0[0]);
    const uint32_t b = PAIR_BIAS + times(pairs[0], w1[0]);
    s0 += a & UINT16_MAX;
    s1 += a >> 16;
    s2 += b & UINT16_MAX;
    s3 += b >> 16;
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

#endif
