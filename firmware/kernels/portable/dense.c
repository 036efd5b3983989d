#include "dense.h"

#include "fixed_point.h"
#include "portable.h"
#include "round_once.h"

#ifndef __thumb__ // dense.S has it for these cores.

void alpharho_dot_rows(const int8_t *in, const int8_t *const rows[DENSE_ROWS], int32_t taps, int32_t sums[DENSE_ROWS]) {
  uint32_t a = (uint32_t)sums[0], b = (uint32_t)sums[1], c = (uint32_t)sums[2], d = (uint32_t)sums[3];
  for (int32_t i = 0; i < taps; i++) {
    const int32_t x = in[i];
    a += (uint32_t)(x * rows[0][i]);
    b += (uint32_t)(x * rows[1][i]);
    c += (uint32_t)(x * rows[2][i]);
    d += (uint32_t)(x * rows[3][i]);
  }
  sums[0] = (int32_t)a;
  sums[1] = (int32_t)b;
  sums[2] = (int32_t)c;
  sums[3] = (int32_t)d;
}

#endif

// The last channel takes the place of those behind it.
static void four_channels(const struct alpharho_dense *p, int32_t first, const int8_t *in, int8_t *out) {
  const int8_t *rows[DENSE_ROWS];
  int32_t sums[DENSE_ROWS];
  const int32_t left = p->out_c - first;
  for (int32_t i = 0; i < DENSE_ROWS; i++) {
    const int32_t c = first + (i < left ? i : left - 1);
    rows[i] = p->weights + c * p->in_c;
    sums[i] = p->bias[c];
  }
  alpharho_dot_rows(in, rows, p->in_c, sums);
  for (int32_t i = 0; i < DENSE_ROWS && i < left; i++) {
    const int32_t at = (first + i) * p->step;
    const int32_t value = round_once(sums[i], p->multiplier[at], p->shift[at], p->limit[at]);
    out[first + i] = (int8_t)clamp(value + p->zero_point, p->min, p->max);
  }
}

void alpharho_dense(const struct alpharho_dense *p, const int8_t *in, int8_t *out) {
  for (int32_t row = 0; row < p->rows; row++, in += p->in_c, out += p->out_c) {
    for (int32_t c = 0; c < p->out_c; c += DENSE_ROWS) {
      four_channels(p, c, in, out);
    }
  }
}
