#include <stddef.h>

#include "layout.h"
#include "portable.h"
#include "requant.h"
#include "ring.h"
#include "row.h"

#ifdef KERNELS_MULTIPLY_BY_PARTS

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

// One row of output from 3x3 taps side by side, one output channel per input channel. An odd last pixel is computed
// twice.
static void row_3x3(const struct alpharho_depthwise *p, const int8_t *r0, const int8_t *r1, const int8_t *r2,
                    int8_t *out) {
  const struct alpharho_requant *q = &p->requant;
  const int32_t c = p->window.in_c, step = p->window.stride_w * c;
  struct row_job job = {.bias = p->bias, .multiplier = q->multiplier, .shift = q->shift};
  job.rounding = 2 * q->zero_point + 1;
  job.channels = c;
  job.weights = p->weights;
  for (int32_t x = 0; x < p->window.out_w; x += 2) {
    const int32_t second = x + 1 < p->window.out_w;
    job.out = out + x * c;
    job.second_out = job.out + second * c;
    job.rows[0] = r0 + x * step;
    job.rows[1] = r1 + x * step;
    job.rows[2] = r2 + x * step;
    job.step = second * step;
    alpharho_row_3x3_pair(&job);
  }
}

// Whether row_3x3 takes an operator with such windows.
static int takes_3x3(const struct alpharho_depthwise *p) { return is_plain(&p->requant, p->bias, p->window.in_c, 9); }

#else

static int takes_3x3(const struct alpharho_depthwise *p) {
  (void)p;
  return 1;
}

// One row of output from 3x3 taps side by side, one output channel per input channel.
static void row_3x3(const struct alpharho_depthwise *p, const int8_t *r0, const int8_t *r1, const int8_t *r2,
                    int8_t *out) {
  const int32_t c = p->window.in_c, c2 = 2 * c, step = p->window.stride_w * c;
  for (int32_t x = 0; x < p->window.out_w; x++, r0 += step, r1 += step, r2 += step) {
    const int8_t *w = p->weights;
    for (int32_t i = 0; i < c; i++, w += 9) {
      int32_t acc = r0[i] * w[0] + r0[c + i] * w[1] + r0[c2 + i] * w[2];
      acc += r1[i] * w[3] + r1[c + i] * w[4] + r1[c2 + i] * w[5];
      acc += r2[i] * w[6] + r2[c + i] * w[7] + r2[c2 + i] * w[8];
      *out++ = requantize(&p->requant, wrap_add(acc, p->bias[i]), i);
    }
  }
}

#endif

// Add the taps of two outputs, `apart` bytes apart, to `sums`. The first column is `x` bytes into the rows, the first
// row `row` bytes into the ring.
static void taps(const struct alpharho_depthwise *p, const struct ring *ring, int32_t row, int32_t x, int32_t apart,
                 const int8_t *w, uint32_t sums[2]) {
  const struct alpharho_window *win = &p->window;
  const int32_t step = win->dilation_h * ring->row_bytes, size = ring->rows * ring->row_bytes;
  const int32_t next = win->dilation_w * win->in_c;
  uint32_t acc0 = sums[0], acc1 = sums[1];
  for (int32_t ky = 0; ky < win->kernel_h; ky++) {
    const int8_t *from = ring->data + row + x;
    for (const int8_t *const end = w + win->kernel_w; w != end; w++, from += next) {
      acc0 += (uint32_t)(from[0] * *w);
      acc1 += (uint32_t)(from[apart] * *w);
    }
    row += step;
    if (row >= size) {
      row -= size;
    }
  }
  sums[0] = acc0;
  sums[1] = acc1;
}

static void row_any(const struct alpharho_depthwise *p, const struct ring *ring, int32_t top, int8_t *out) {
  const struct alpharho_window *w = &p->window;
  const int32_t size = w->kernel_h * w->kernel_w, row = place_of(ring, top), step = w->stride_w * w->in_c;
  for (int32_t x = 0; x < w->out_w; x += 2, out += w->out_c) {
    const int32_t two = x + 1 < w->out_w, next_out = two ? w->out_c : 0, apart = two ? step : 0;
    int32_t in_c = 0, left = p->multiplier;
    for (int32_t c = 0; c < w->out_c; c++, out++) {
      uint32_t sums[2] = {(uint32_t)p->bias[c], (uint32_t)p->bias[c]};
      taps(p, ring, row, x * step + in_c, apart, p->weights + c * size, sums);
      requantize_two(&p->requant, c, (int32_t)sums[0], (int32_t)sums[1], out, out + next_out);
      if (--left == 0) {
        left = p->multiplier;
        in_c++;
      }
    }
  }
}

// Whether row_3x3 computes its rows.
static int is_3x3(const struct alpharho_depthwise *p) {
  const struct alpharho_window *w = &p->window;
  const int has_3x3 = w->kernel_h == 3 && w->kernel_w == 3 && w->dilation_h == 1 && w->dilation_w == 1;
  return has_3x3 && p->multiplier == 1 && takes_3x3(p);
}

static void compute_row(const struct alpharho_depthwise *p, int by_3x3, const int8_t *ring, int32_t y, int8_t *out) {
  // The ring is only read below.
  const struct ring rows = ring_of(p, (int8_t *)(uintptr_t)ring);
  const int32_t top = y * p->window.stride_h;
  if (by_3x3) {
    row_3x3(p, ring + place_of(&rows, top), ring + place_of(&rows, top + 1), ring + place_of(&rows, top + 2), out);
  } else {
    row_any(p, &rows, top, out);
  }
}

void alpharho_depthwise_row(const struct alpharho_depthwise *p, const int8_t *ring, int32_t y, int8_t *out) {
  compute_row(p, is_3x3(p), ring, y, out);
}

void alpharho_depthwise(const struct alpharho_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  const struct alpharho_window *w = &p->window;
  const struct ring ring = ring_of(p, scratch);
  const int by_3x3 = is_3x3(p);
  int32_t next = 0;
  for (int32_t y = 0; y < w->out_h; y++, out += w->out_w * w->out_c) {
    const int32_t top = y * w->stride_h;
    if (next < top) {
      next = top;
    }
    for (; next < top + ring.rows; next++) {
      load_row(p, &ring, in, next);
    }
    compute_row(p, by_3x3, scratch, y, out);
  }
}
