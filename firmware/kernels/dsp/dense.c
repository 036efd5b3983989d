#include "../portable/fixed_point.h"
#include "dot.h"
#include "dsp.h"
#include "instructions.h"

typedef int8_t finish(const struct alpharho_dsp_dense *p, int32_t sum, int32_t multiplier, int32_t shift);

// Rounded once: half a step is added to the product before the shift.
static int8_t round_once(const struct alpharho_dsp_dense *p, int32_t sum, int32_t multiplier, int32_t shift) {
  const int32_t rounding = (int32_t)((uint32_t)(2 * p->zero_point + 1) << shift);
  return (int8_t)clamp(multiply_high_add_down(sum, multiplier, rounding) >> (shift + 1), p->min, p->max);
}

// Rounded twice, as convolutions are.
static int8_t round_twice(const struct alpharho_dsp_dense *p, int32_t sum, int32_t multiplier, int32_t shift) {
  return (int8_t)clamp(requantize(sum, multiplier, shift, 2 * p->zero_point + 1), p->min, p->max);
}

static void one_row(const struct alpharho_dsp_dense *p, const uint32_t *expanded, int8_t *out, finish *of) {
  const int32_t *packed = p->packed;
  for (int32_t c = 0; c < p->out_c;) {
    const int32_t rows = c + DOT_ROWS <= p->out_c ? DOT_ROWS : 1;
    int32_t sums[DOT_ROWS];
    packed = (rows == 1 ? alpharho_dsp_dot_one : alpharho_dsp_dot_four)(expanded, packed, p->in_c, sums);
    const int8_t *const shifts = (const int8_t *)(packed + rows);
    for (int32_t i = 0; i < rows; i++) {
      out[c++] = of(p, sums[i], *packed++, shifts[i]);
    }
    packed++;
  }
}

void alpharho_dsp_dense(const struct alpharho_dsp_dense *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  for (int32_t row = 0; row < p->rows; row++, in += p->in_c, out += p->out_c) {
    alpharho_dsp_dot_expand(in, (void *)scratch, p->in_c);
    one_row(p, (const void *)scratch, out, round_once);
  }
}

void alpharho_dsp_pixel(const struct alpharho_dsp_dense *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  alpharho_dsp_dot_expand(in, (void *)scratch, p->in_c);
  one_row(p, (const void *)scratch, out, round_twice);
}
