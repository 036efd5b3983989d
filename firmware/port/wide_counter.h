/* A 64-bit count out of two hardware counters that start together: a fine one that wraps, and one that runs
 * slower by a power of two and counts the wraps. No interrupt is needed, so none disturbs what is timed. */
#ifndef ALPHARHO_PORT_WIDE_COUNTER_H
#define ALPHARHO_PORT_WIDE_COUNTER_H

#include <stdint.h>

/* `fine` counts ticks modulo 2^32, `about` is off by less than 2^31 ticks. */
static inline uint64_t wide_count_near(uint32_t fine, uint64_t about) {
  const int32_t off = (int32_t)(fine - (uint32_t)about);
  return off < 0 && about < (uint64_t)-(int64_t)off ? fine : about + (uint64_t)(int64_t)off;
}

/* `fine` counts ticks modulo 2^32, `coarse` counts 2^coarse_shift ticks each; they may disagree by almost
 * 2^31 ticks. */
static inline uint64_t wide_count(uint32_t fine, uint32_t coarse, unsigned coarse_shift) {
  return wide_count_near(fine, (uint64_t)coarse << coarse_shift);
}

/* The same with a fine counter of 24 bits, and `about`, which is off by less than 2^23 ticks. */
static inline uint64_t wide_count_24(uint32_t fine, uint64_t about) {
  const int32_t off = (int32_t)((fine - (uint32_t)about) << 8) / 256;
  return about + (uint64_t)(int64_t)off;
}

#endif
