#include <stddef.h>

#include "layout.h"
#include "portable.h"
#include "requant.h"
#include "ring.h"
#include "row.h"

#ifdef __thumb__

PORTABLE_ASSERT_OFFSET(struct row_job, bias, ROW_BIAS);
PORTABLE_ASSERT_OFFSET(struct row_job, multiplier, ROW_MULTIPLIER);
PORTABLE_ASSERT_OFFSET(struct row_job, shift, ROW_SHIFT);
PORTABLE_ASSERT_OFFSET(struct row_job, rounding, ROW_ROUNDING);
PORTABLE_ASSERT_OFFSET(struct row_job, out, ROW_OUT);
PORTABLE_ASSERT_OFFSET(struct row_job, second_out, ROW_SECOND_OUT);
PORTABLE_ASSERT_OFFSET(struct row_job, channels, ROW_CHANNELS);
PORTABLE_ASSERT_OFFSET(struct row_job, rows, ROW_ROWS);
PORTABLE_ASSERT_OFFSET(struct row_job, step, ROW_STEP);
PORTABLE_ASSERT_OFFSET(struct row_job, weights, ROW_WEIGHTS);

static void row_3x3(const struct alpharho_depthwise *p, const int8_t *const rows[3], int8_t *out) {
  const struct alpharho_requant *q = &p->requant;
  const int32_t c = p->window.in_c, step = p->window.stride_w * c;
  struct row_job job = {
      .bias = p->bias,
      .multiplier = q->multiplier,
      .shift = q->shift,
      .rounding = 2 * q->zero_point + 1,
      .out = out,
      .channels = c,
      .rows = {rows[0], rows[1], rows[2]},
      .weights = p->weights,
  };
  for (int32_t left = p->window.out_w; left > 0; left -= 2, job.out += 2 * c) {
    const int32_t second = left > 1;
    job.second_out = job.out + second * c;
    job.step = second * step;
    alpharho_row_3x3_pair(&job);
    for (int32_t ky = 0; ky < 3; ky++) {
      job.rows[ky] += 2 * step;
    }
  }
  limit_outputs(q, out, p->window.out_w * c);
}

#else

static void row_3x3(const struct alpharho_depthwise *p, const int8_t *const rows[3], int8_t *out) {
  const int32_t c = p->window.in_c, c2 = 2 * c, step = p->window.stride_w * c;
  const int8_t *r0 = rows[0], *r1 = rows[1], *r2 = rows[2];
  for (int32_t x = 0; x < p->window.out_w; x++, r0 += step, r1 += step, r2 += step) {
    const int8_t *w = p->weights;
    for (int32_t i = 0; i < c; i++, w += 9) {
      int32_t acc = r0[i] * w[0] + r0[c + i] * w[1] + r0[c2 + i] * w[2];
      acc += r1[i] * w[3] + r1[c + i] * w[4] + r1[c2 + i] * w[5];
      acc += r2[i] * w[6] + r2[c + i] * w[7] + r2[c2 + i] * w[8];
      *out++ = requantize(&p->requant, acc + p->bias[i], i);
    }
  }
}

#endif

void alpharho_depthwise_3x3_row(const struct alpharho_depthwise *p, const int8_t *ring, int32_t y, int8_t *out) {
  // The ring is only read below.
  const struct ring rows = ring_of(p, (int8_t *)(uintptr_t)ring);
  const int32_t size = 3 * rows.row_bytes;
  const int8_t *three[3];
  for (int32_t ky = 0, at = place_of(&rows, y * p->window.stride_h); ky < 3; ky++) {
    three[ky] = ring + at;
    at += rows.row_bytes;
    at = at == size ? 0 : at;
  }
  row_3x3(p, three, out);
}

void alpharho_depthwise_3x3(const struct alpharho_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  alpharho_rows_of(p, in, out, scratch, alpharho_depthwise_3x3_row);
}
