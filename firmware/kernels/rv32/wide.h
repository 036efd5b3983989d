// Rows of depthwise convolutions with windows of a constant width, four of them at a time.
#ifndef KERNELS_RV32_WIDE_H
#define KERNELS_RV32_WIDE_H

#include "depthwise.h"

enum { PIXELS = 4, MOST_TAPS = 7 };

// Add a row of `taps` taps to the sums of four windows side by side.
RV32_INLINE void add_taps(const int8_t *from, int32_t step, const int8_t *w, const int32_t taps, const int32_t stride,
                          int32_t sums[PIXELS]) {
  int32_t weights[MOST_TAPS];
  RV32_UNROLL for (int32_t k = 0; k < taps; k++) { weights[k] = w[k]; }
  RV32_UNROLL for (int32_t x = 0; x < taps + (PIXELS - 1) * stride; x++) {
    const int32_t value = *from;
    from += step;
    RV32_UNROLL for (int32_t i = 0; i < PIXELS; i++) {
      const int32_t k = x - i * stride;
      if (k >= 0 && k < taps) {
        sums[i] += value * weights[k];
      }
    }
  }
}

// Windows of any height, four of them side by side at a time: the last four may have some of those before.
RV32_INLINE void row_wide(const struct row *r, const int32_t taps, const int32_t stride) {
  const struct alpharho_window *const win = &r->p->window;
  const int32_t size = r->ring->rows * r->ring->row_bytes, next = win->dilation_h * r->ring->row_bytes;
  const int32_t in_c = win->in_c, out_c = win->out_c, last = win->out_w - PIXELS;
  const int negatives = has_negatives(r->p);
  int32_t channel = 0, left = r->p->multiplier;
  for (int32_t c = 0; c < out_c; c++) {
    const struct scaling s = scaling_at(r->p, c);
    const int32_t bias = r->p->bias[c];
    for (int32_t x = 0; x < win->out_w; x += PIXELS) {
      const int32_t at = x < last ? x : last;
      const int8_t *w = r->p->weights + c * win->kernel_h * taps;
      int32_t sums[PIXELS] = {bias, bias, bias, bias}, row = r->first;
      for (int32_t ky = 0; ky < win->kernel_h; ky++, w += taps) {
        add_taps(r->ring->data + row + at * stride * in_c + channel, in_c, w, taps, stride, sums);
        row += next;
        row = row < size ? row : row - size;
      }
      int8_t *out = r->out + at * out_c + c;
      for (int32_t i = 0; i < PIXELS; i++, out += out_c) {
        *out = negatives ? round_sum(sums[i], &s, 1) : round_sum(sums[i], &s, 0);
      }
    }
    if (--left == 0) {
      left = r->p->multiplier;
      channel++;
    }
  }
}

// A row of windows `taps` wide. Strips of a row may have fewer of them than are computed at a time.
RV32_INLINE void wide_row(const struct alpharho_depthwise *p, const int8_t *ring, int32_t y, int8_t *out,
                          const int32_t taps) {
  if (p->window.out_w < PIXELS) {
    alpharho_depthwise_row(p, ring, y, out);
    return;
  }
  // The ring is only read below.
  const struct ring rows = ring_of(p, (int8_t *)(uintptr_t)ring);
  const struct row row = row_of(p, &rows, y, out);
  if (p->window.stride_w == 2) {
    row_wide(&row, taps, 2);
  } else {
    row_wide(&row, taps, 1);
  }
}

#endif // KERNELS_RV32_WIDE_H
