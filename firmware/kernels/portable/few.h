// 1x1 convolutions of few channels on cores with Thumb-2.
#ifndef KERNELS_PORTABLE_FEW_H
#define KERNELS_PORTABLE_FEW_H

#include <stdint.h>

// All pixels, two at a time; of an odd last one both are the same. Assembly reads the fields at the offsets of
// layout.h.
struct few_job {
  const int32_t *bias;
  const int32_t *multiplier;
  const int8_t *shift;
  int32_t rounding; // 2 * output zero point + 1
  int8_t *out;
  int32_t channel;       // the first: 0
  const int8_t *weights; // (channels, depth)
  int32_t channels;
  int32_t pixels;
  const int8_t *in;
  int32_t depth;
};

// Limited to int8. Multipliers, shifts and biases are those of alpharho_pointwise_few.
void alpharho_few_channels(const struct few_job *job);

#endif // KERNELS_PORTABLE_FEW_H
