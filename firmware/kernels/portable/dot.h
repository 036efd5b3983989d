// Products of int8 rows: the inner loop of convolutions and dense layers.
#ifndef KERNELS_PORTABLE_DOT_H
#define KERNELS_PORTABLE_DOT_H

#include "requant.h"

// One or two rows of `depth` inputs against `channels` rows of weights. The output rows start at `out` and
// `out + pitch`. With one row, give it twice and a pitch of 0: the second result is stored over the equal
// first. Two rows share each weight, and two channels each input, which halves the loads.
static inline void multiply_rows(const struct kernel_requant *q, const int8_t *row0, const int8_t *row1,
                                 const int8_t *weights, const int32_t *bias, int32_t depth, int32_t first,
                                 int32_t channels, int8_t *out, int32_t pitch) {
  int32_t c = first;
  const int32_t end = first + channels;
  for (; c + 1 < end; c += 2) {
    const int8_t *w0 = weights + c * depth;
    const int8_t *w1 = w0 + depth;
    uint32_t a00 = (uint32_t)bias[c], a01 = (uint32_t)bias[c + 1];
    uint32_t a10 = a00, a11 = a01;
    for (int32_t k = 0; k < depth; k++) {
      const int32_t x0 = row0[k], x1 = row1[k], y0 = w0[k], y1 = w1[k];
      a00 += (uint32_t)(x0 * y0);
      a01 += (uint32_t)(x0 * y1);
      a10 += (uint32_t)(x1 * y0);
      a11 += (uint32_t)(x1 * y1);
    }
    out[c] = requantize(q, (int32_t)a00, c);
    out[c + 1] = requantize(q, (int32_t)a01, c + 1);
    out[pitch + c] = requantize(q, (int32_t)a10, c);
    out[pitch + c + 1] = requantize(q, (int32_t)a11, c + 1);
  }
  if (c < end) {
    const int8_t *w = weights + c * depth;
    uint32_t a0 = (uint32_t)bias[c], a1 = a0;
    for (int32_t k = 0; k < depth; k++) {
      a0 += (uint32_t)(row0[k] * w[k]);
      a1 += (uint32_t)(row1[k] * w[k]);
    }
    out[c] = requantize(q, (int32_t)a0, c);
    out[pitch + c] = requantize(q, (int32_t)a1, c);
  }
}

#endif // KERNELS_PORTABLE_DOT_H
