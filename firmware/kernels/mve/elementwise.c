// ADD, MUL and functions of one value: what the assembly of elementwise.S needs, and its C model.
#include "elementwise.h"

#include <stddef.h>

#include "arithmetic.h"
#include "memory.h"

MVE_ASSERT_OFFSET(struct alpharho_mve_add, size, ADD_SIZE);
MVE_ASSERT_OFFSET(struct alpharho_mve_add, factor1, ADD_FACTOR1);
MVE_ASSERT_OFFSET(struct alpharho_mve_add, factor2, ADD_FACTOR2);
MVE_ASSERT_OFFSET(struct alpharho_mve_add, offset, ADD_OFFSET);
MVE_ASSERT_OFFSET(struct alpharho_mve_add, shift, ADD_SHIFT);
MVE_ASSERT_OFFSET(struct alpharho_mve_add, min, ADD_MIN);
MVE_ASSERT_OFFSET(struct alpharho_mve_add, max, ADD_MAX);
MVE_ASSERT_OFFSET(struct alpharho_mve_mul, rows, MUL_ROWS);
MVE_ASSERT_OFFSET(struct alpharho_mve_mul, size, MUL_SIZE);
MVE_ASSERT_OFFSET(struct alpharho_mve_mul, offset1, MUL_OFFSET1);
MVE_ASSERT_OFFSET(struct alpharho_mve_mul, offset2, MUL_OFFSET2);
MVE_ASSERT_OFFSET(struct alpharho_mve_mul, multiplier, MUL_MULTIPLIER);
MVE_ASSERT_OFFSET(struct alpharho_mve_mul, shift, MUL_SHIFT);
MVE_ASSERT_OFFSET(struct alpharho_mve_mul, zero_point, MUL_ZERO_POINT);

void alpharho_mve_mul(const struct alpharho_mve_mul *p, const int8_t *in1, const int8_t *in2, int8_t *out) {
  alpharho_mve_mul_rows(p, in1, in2, out);
  if (is_limited(p->min, p->max)) {
    alpharho_mve_limit(out, p->rows * p->size, p->min, p->max);
  }
}

#ifndef KERNELS_MVE_ASSEMBLY

void alpharho_mve_add(const struct alpharho_mve_add *p, const int8_t *in1, const int8_t *in2, int8_t *out) {
  for (int32_t i = 0; i < p->size; i++) {
    out[i] = (int8_t)clamp((p->offset + p->factor1 * in1[i] + p->factor2 * in2[i]) >> -p->shift, p->min, p->max);
  }
}

void alpharho_mve_mul_rows(const struct alpharho_mve_mul *p, const int8_t *in1, const int8_t *in2, int8_t *out) {
  for (int32_t row = 0; row < p->rows; row++) {
    for (int32_t i = 0; i < p->size; i++) {
      const int32_t product = (*in1++ + p->offset1) * (in2[i] + p->offset2);
      *out++ = requantize(product, p->multiplier, p->shift, p->zero_point);
    }
  }
}

void alpharho_mve_table(const int8_t *table, const int8_t *in, int8_t *out, int32_t size) {
  for (int32_t i = 0; i < size; i++) {
    out[i] = table[in[i] - INT8_MIN];
  }
}

#endif
