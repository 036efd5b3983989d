// FULLY_CONNECTED: what the assembly of dense.S needs, and its C model.
#include "dense.h"

#include <stddef.h>

#include "arithmetic.h"

MVE_ASSERT_OFFSET(struct alpharho_mve_dense, in_c, DENSE_IN_C);
MVE_ASSERT_OFFSET(struct alpharho_mve_dense, out_c, DENSE_OUT_C);
MVE_ASSERT_OFFSET(struct alpharho_mve_dense, weights, DENSE_WEIGHTS);
MVE_ASSERT_OFFSET(struct alpharho_mve_dense, bias, DENSE_BIAS);
MVE_ASSERT_OFFSET(struct alpharho_mve_dense, multiplier, DENSE_MULTIPLIER);
MVE_ASSERT_OFFSET(struct alpharho_mve_dense, shift, DENSE_SHIFT);
MVE_ASSERT_OFFSET(struct alpharho_mve_dense, zero_point, DENSE_ZERO_POINT);
MVE_ASSERT_OFFSET(struct alpharho_mve_dense, min, DENSE_MIN);
MVE_ASSERT_OFFSET(struct alpharho_mve_dense, max, DENSE_MAX);

void alpharho_mve_dense(const struct alpharho_mve_dense *p, const int8_t *in, int8_t *out) {
  for (int32_t row = 0; row < p->rows; row++, in += p->in_c, out += p->out_c) {
    alpharho_mve_dense_row(p, in, out, 0);
  }
}

void alpharho_mve_pixel(const struct alpharho_mve_dense *p, const int8_t *in, int8_t *out) {
  alpharho_mve_dense_row(p, in, out, 1);
}

#ifndef KERNELS_MVE_ASSEMBLY

static int32_t scaled(int32_t sum, int32_t multiplier, int32_t right, int32_t twice) {
  if (twice) {
    return rounding_shift_right(high_multiply(sum, multiplier), right);
  }
  return (int32_t)(((int64_t)sum * multiplier + ((int64_t)1 << (31 + right))) >> (32 + right));
}

void alpharho_mve_dense_row(const struct alpharho_mve_dense *p, const int8_t *in, int8_t *out, int32_t twice) {
  const int8_t *w = p->weights;
  for (int32_t c = 0; c < p->out_c; c++, w += p->in_c) {
    int32_t sum = p->bias[c];
    for (int32_t k = 0; k < p->in_c; k++) {
      sum = wrap_add(sum, in[k] * w[k]);
    }
    out[c] = (int8_t)clamp(scaled(sum, p->multiplier[c], -p->shift[c], twice) + p->zero_point, p->min, p->max);
  }
}

#endif
