// Rows of depthwise convolutions: what the kernels of the set share.
#ifndef KERNELS_RV32_DEPTHWISE_H
#define KERNELS_RV32_DEPTHWISE_H

#include "portable/ring.h"
#include "rounding.h"
#include "rv32.h"

// A row of output: where its first taps are in each row of the ring, and what all channels have in common.
struct row {
  const struct alpharho_depthwise *p;
  const struct ring *ring;
  int32_t first; // of the first row of taps, in the ring
  int8_t *out;
};

RV32_INLINE struct row row_of(const struct alpharho_depthwise *p, const struct ring *ring, int32_t y, int8_t *out) {
  return (struct row){p, ring, place_of(ring, y * p->window.stride_h), out};
}

// Whether outputs below the zero point differ.
RV32_INLINE int has_negatives(const struct alpharho_depthwise *p) { return p->requant.zero_point > p->requant.min; }

RV32_INLINE struct scaling scaling_at(const struct alpharho_depthwise *p, int32_t c) {
  const struct alpharho_requant *q = &p->requant;
  return scaling_of(q->multiplier[c], -q->shift[c], 2 * q->zero_point + 1, q->min, q->max);
}

#endif // KERNELS_RV32_DEPTHWISE_H
