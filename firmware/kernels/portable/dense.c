#include "fixed_point.h"
#include "portable.h"
#include "round_once.h"

static int32_t dot(const int8_t *a, const int8_t *b, int32_t size, int32_t start) {
  uint32_t sum = (uint32_t)start;
  for (int32_t i = 0; i < size; i++) {
    sum += (uint32_t)(a[i] * b[i]);
  }
  return (int32_t)sum;
}

void alpharho_dense(const struct alpharho_dense *p, const int8_t *in, int8_t *out) {
  for (int32_t row = 0; row < p->rows; row++, in += p->in_c) {
    for (int32_t c = 0; c < p->out_c; c++) {
      const int32_t i = c * p->step;
      const int32_t acc = dot(in, p->weights + c * p->in_c, p->in_c, p->bias[c]);
      const int32_t value = round_once(acc, p->multiplier[i], p->shift[i], p->limit[i]);
      *out++ = (int8_t)clamp(value + p->zero_point, p->min, p->max);
    }
  }
}
