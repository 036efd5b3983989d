#include "dense.h"

#include "fixed_point.h"
#include "portable.h"
#include "round_once.h"

#ifndef __thumb__ // dense.S has it for these cores.

// Four taps at a time, so that pointers move less often.
void alpharho_dot_rows(const int8_t *in, const int8_t *const rows[DENSE_ROWS], int32_t taps, int32_t sums[DENSE_ROWS]) {
  const int8_t *w0 = rows[0], *w1 = rows[1], *w2 = rows[2], *w3 = rows[3];
  uint32_t a = (uint32_t)sums[0], b = (uint32_t)sums[1], c = (uint32_t)sums[2], d = (uint32_t)sums[3];
  for (const int8_t *const end = in + (taps & ~3); in != end; in += 4, w0 += 4, w1 += 4, w2 += 4, w3 += 4) {
    a += (uint32_t)(in[0] * w0[0] + in[1] * w0[1] + in[2] * w0[2] + in[3] * w0[3]);
    b += (uint32_t)(in[0] * w1[0] + in[1] * w1[1] + in[2] * w1[2] + in[3] * w1[3]);
    c += (uint32_t)(in[0] * w2[0] + in[1] * w2[1] + in[2] * w2[2] + in[3] * w2[3]);
    d += (uint32_t)(in[0] * w3[0] + in[1] * w3[1] + in[2] * w3[2] + in[3] * w3[3]);
  }
  for (int32_t i = 0; i < (taps & 3); i++) {
    const int32_t x = in[i];
    a += (uint32_t)(x * w0[i]);
    b += (uint32_t)(x * w1[i]);
    c += (uint32_t)(x * w2[i]);
    d += (uint32_t)(x * w3[i]);
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
