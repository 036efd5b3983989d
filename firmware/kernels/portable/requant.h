// From accumulator to int8, for kernels with one multiplier per output channel.
#ifndef KERNELS_PORTABLE_REQUANT_H
#define KERNELS_PORTABLE_REQUANT_H

#include "fixed_point.h"
#include "kernels.h"

static inline int8_t requantize(const struct kernel_requant *q, int32_t acc, int32_t channel) {
  const int32_t i = channel * q->step;
  const int32_t scaled = scale(acc, q->multiplier[i], q->shift[i]);
  return (int8_t)clamp(wrap_add(scaled, q->zero_point), q->min, q->max);
}

#endif // KERNELS_PORTABLE_REQUANT_H
