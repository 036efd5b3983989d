#include "../portable/fixed_point.h"
#include "dot.h"
#include "dsp.h"
#include "instructions.h"

// Rounded once: half a step is added to the product before the shift.
static inline int8_t round_once(const struct alpharho_dsp_dense *p, int32_t sum, int32_t multiplier, int32_t shift) {
  const int32_t rounding = (int32_t)((uint32_t)(2 * p->zero_point + 1) << shift);
  return (int8_t)clamp(multiply_high_add_down(sum, multiplier, rounding) >> (shift + 1), p->min, p->max);
}

// Rounded twice, as convolutions are.
static inline int8_t round_twice(const struct alpharho_dsp_dense *p, int32_t sum, int32_t multiplier, int32_t shift) {
  return (int8_t)clamp(requantize(sum, multiplier, shift, 2 * p->zero_point + 1), p->min, p->max);
}

static inline void one_row(const struct alpharho_dsp_dense *p, const int8_t *in, int8_t *out, int8_t *scratch,
                           int once) {
  uint32_t *const expanded = (void *)scratch;
  const int32_t *packed = p->packed, depth = (p->in_c + WORD_TAPS - 1) / WORD_TAPS * WORD_TAPS;
  alpharho_dsp_dot_expand(in, expanded, p->in_c);
  for (int32_t c = 0; c < p->out_c;) {
    const int32_t rows = c < p->grouped ? DOT_ROWS : 1;
    int32_t sums[DOT_ROWS];
    packed = (rows == 1 ? alpharho_dsp_dot_one : alpharho_dsp_dot_four)(expanded, packed, depth, sums);
    const int8_t *const shifts = (const int8_t *)(packed + rows);
    for (int32_t i = 0; i < rows; i++, c++, packed++) {
      out[c] = once ? round_once(p, sums[i], *packed, shifts[i]) : round_twice(p, sums[i], *packed, shifts[i]);
    }
    packed++;
  }
}

void alpharho_dsp_dense(const struct alpharho_dsp_dense *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  for (int32_t row = 0; row < p->rows; row++, in += p->in_c, out += p->out_c) {
    one_row(p, in, out, scratch, 1);
  }
}

void alpharho_dsp_pixel(const struct alpharho_dsp_dense *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  one_row(p, in, out, scratch, 0);
}
