#include "fixed_point.h"
#include "portable.h"

void alpharho_mean(const struct alpharho_mean *p, const int8_t *in, int8_t *out) {
  for (int32_t o = 0; o < p->outer; o++, in += p->reduced * p->inner) {
    for (int32_t i = 0; i < p->inner; i++) {
      const int8_t *from = in + i;
      int32_t sum = p->offset;
      for (int32_t r = 0; r < p->reduced; r++, from += p->inner) {
        sum += *from;
      }
      const int32_t mean = wrap_add(scale(sum, p->multiplier, p->shift), p->zero_point);
      *out++ = (int8_t)clamp(mean, INT8_MIN, INT8_MAX);
    }
  }
}
