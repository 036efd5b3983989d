#include "../portable/fixed_point.h"
#include "../portable/round_once.h"
#include "dot.h"
#include "kernels.h"

void kernel_dsp_dense(const struct kernel_dense *p, const int8_t *in, int8_t *out) {
  for (int32_t row = 0; row < p->rows; row++, in += p->in_c) {
    for (int32_t c = 0; c < p->out_c;) {
      // The last four channels again where less than four are left: there are at least four.
      const int32_t first = c + DOT_ROWS <= p->out_c ? c : p->out_c - DOT_ROWS;
      uint32_t sums[DOT_ROWS];
      for (int32_t i = 0; i < DOT_ROWS; i++) {
        sums[i] = (uint32_t)p->bias[first + i];
      }
      dot_four(in, p->weights + first * p->in_c, p->in_c, p->in_c, sums);
      for (int32_t i = 0; i < DOT_ROWS; i++) {
        const int32_t at = (first + i) * p->step;
        const int32_t value = round_once((int32_t)sums[i], p->multiplier[at], p->shift[at], p->limit[at]);
        out[first + i] = (int8_t)clamp(value + p->zero_point, p->min, p->max);
      }
      c = first + DOT_ROWS;
    }
    out += p->out_c;
  }
}
