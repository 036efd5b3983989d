// The ring of input rows of a depthwise convolution: rows with their padding, each copied once.
#ifndef KERNELS_PORTABLE_RING_H
#define KERNELS_PORTABLE_RING_H

#include <string.h>

#include "portable.h"

// Row y, counted from the first row of padding, has place y mod rows.
struct ring {
  int8_t *data;
  int32_t rows, row_bytes;
};

// Computes an output row from a ring: alpharho_depthwise_row, and what other sets have in its place.
typedef void depthwise_row(const struct alpharho_depthwise *p, const int8_t *ring, int32_t y, int8_t *out);

static inline int32_t place_of(const struct ring *ring, int32_t y) {
  return alpharho_modulo(y, ring->rows) * ring->row_bytes;
}

static inline struct ring ring_of(const struct alpharho_depthwise *p, int8_t *data) {
  const struct alpharho_window *w = &p->window;
  const int32_t width = (w->out_w - 1) * w->stride_w + (w->kernel_w - 1) * w->dilation_w + 1;
  return (struct ring){data, (w->kernel_h - 1) * w->dilation_h + 1, width * w->in_c};
}

// Copy row y into the ring, with the zero point for padding.
static inline void load_row(const struct alpharho_depthwise *p, const struct ring *ring, const int8_t *in,
                            int32_t row_and_padding) {
  const struct alpharho_window *w = &p->window;
  int8_t *to = ring->data + place_of(ring, row_and_padding);
  const int32_t y = row_and_padding - w->pad_top;
  if (y < 0 || y >= w->in_h) {
    memset(to, p->input_zero_point, (size_t)ring->row_bytes);
    return;
  }
  const int32_t left = w->pad_left * w->in_c, row = w->in_w * w->in_c;
  const int32_t copied = row < ring->row_bytes - left ? row : ring->row_bytes - left;
  memset(to, p->input_zero_point, (size_t)left);
  memcpy(to + left, in + y * row, (size_t)copied);
  memset(to + left + copied, p->input_zero_point, (size_t)(ring->row_bytes - left - copied));
}

// Compute all rows, each from a ring in `scratch`.
static inline void rows_of(const struct alpharho_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch,
                           depthwise_row *row) {
  const struct alpharho_window *w = &p->window;
  const struct ring ring = ring_of(p, scratch);
  int32_t next = 0;
  for (int32_t y = 0; y < w->out_h; y++, out += w->out_w * w->out_c) {
    const int32_t top = y * w->stride_h;
    if (next < top) {
      next = top;
    }
    for (; next < top + ring.rows; next++) {
      load_row(p, &ring, in, next);
    }
    row(p, scratch, y, out);
  }
}

// The same as one function, for all kernels of the set.
void alpharho_rows_of(const struct alpharho_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch,
                      depthwise_row *row);

#endif // KERNELS_PORTABLE_RING_H
