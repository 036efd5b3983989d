// Products of int8 rows: the inner loop of convolutions and dense layers.
#ifndef KERNELS_PORTABLE_DOT_H
#define KERNELS_PORTABLE_DOT_H

#include "requant.h"

// Add products of two rows of inputs with two rows of weights, all `depth` long and each pair side by side: sums of
// input rows 0 and 1 with weights' row 0, then with row 1. Each value that is loaded is used twice.
void alpharho_dot_two_by_two(const int8_t *rows, const int8_t *weights, int32_t depth, uint32_t sums[4]);

// Two rows of `depth` inputs, or one, against `channels` rows of weights. The output rows start at `out` and
// `out + pitch`; with one row, `pitch` is 0.
static inline void multiply_rows(const struct alpharho_requant *q, const int8_t *rows, const int8_t *weights,
                                 const int32_t *bias, int32_t depth, int32_t first, int32_t channels, int8_t *out,
                                 int32_t pitch) {
  int32_t c = first;
  const int32_t end = first + channels;
  const int8_t *w = weights + c * depth;
  for (; pitch && c + 1 < end; c += 2, w += 2 * depth) {
    const uint32_t b0 = (uint32_t)bias[c], b1 = (uint32_t)bias[c + 1];
    uint32_t sums[4] = {b0, b0, b1, b1};
    alpharho_dot_two_by_two(rows, w, depth, sums);
    requantize_two(q, c, (int32_t)sums[0], (int32_t)sums[1], out + c, out + pitch + c);
    requantize_two(q, c + 1, (int32_t)sums[2], (int32_t)sums[3], out + c + 1, out + pitch + c + 1);
  }
  const int8_t *const second = pitch ? rows + depth : rows;
  for (; c < end; c++, w += depth) {
    uint32_t a0 = (uint32_t)bias[c], a1 = a0;
    for (int32_t k = 0; k < depth; k++) {
      a0 += (uint32_t)(rows[k] * w[k]);
      a1 += (uint32_t)(second[k] * w[k]);
    }
    requantize_two(q, c, (int32_t)a0, (int32_t)a1, out + c, out + pitch + c);
  }
}

#endif // KERNELS_PORTABLE_DOT_H
