#include "rv32.h"

// factor * x / 2^8, rounded down. The product has 64 bits, of which MULH gives the upper half.
static inline int32_t scaled(int32_t factor, int32_t x) { return (int32_t)(((int64_t)factor * (x * (1 << 24))) >> 32); }

static inline int8_t add_one(const struct alpharho_rv32_add *p, int32_t a, int32_t b) {
  const int32_t sum = p->offset + scaled(p->factor1, a) + scaled(p->factor2, b);
  int32_t value = (((sum + (sum >> 31)) >> p->shift) + p->rounding) >> 1;
  if (value < p->min) {
    value = p->min;
  }
  return (int8_t)(value > p->max ? p->max : value);
}

void alpharho_rv32_add(const struct alpharho_rv32_add *p, const int8_t *in1, const int8_t *in2, int8_t *out) {
  const struct alpharho_rv32_add q = *p;
  for (const int8_t *const end = out + q.size; out != end; out++, in1++, in2++) {
    *out = add_one(&q, *in1, *in2);
  }
}
