// DEPTHWISE_CONV_2D: rows of output from a ring of input rows.
#include <string.h>

#include "form.h"

struct ring {
  int32_t rows, row_bytes;
};

static struct ring ring_of(const struct alpharho_window *w) {
  return (struct ring){w->kernel_h, ((w->out_w - 1) * w->stride_w + w->kernel_w) * w->in_c};
}

void alpharho_simd_depthwise_row(const struct alpharho_simd_depthwise *p, const int8_t *ring, int32_t y, int8_t *out) {
  const struct alpharho_window *w = &p->window;
  const struct ring rows = ring_of(w);
  const int8_t *taps[MOST_TAPS] = {0};
  int32_t count = 0;
  for (int32_t ky = 0; ky < w->kernel_h; ky++) {
    const int8_t *const row = ring + (y * w->stride_h + ky) % rows.rows * rows.row_bytes;
    for (int32_t kx = 0; kx < w->kernel_w; kx++) {
      taps[count++] = row + kx * w->in_c;
    }
    if (w->kernel_w == 3) {
      taps[count] = taps[count - 1]; // for a weight of 0
      count++;
    }
  }
  for (; count % 4 != 0; count++) {
    taps[count] = taps[count - 1];
  }
  alpharho_simd_form()->depthwise_row(p, taps, out);
}

// Copy row y into the ring, with the zero point for padding; rows are counted from the first row of padding.
static void load(const struct alpharho_simd_depthwise *p, const struct ring *ring, const int8_t *in, int32_t row,
                 int8_t *scratch) {
  const struct alpharho_window *w = &p->window;
  int8_t *const to = scratch + row % ring->rows * ring->row_bytes;
  const int32_t y = row - w->pad_top, bytes = w->in_w * w->in_c, left = w->pad_left * w->in_c;
  if (y < 0 || y >= w->in_h) {
    memset(to, p->input_zero_point, (size_t)ring->row_bytes);
    return;
  }
  const int32_t room = ring->row_bytes - left, copied = bytes < room ? bytes : room;
  memset(to, p->input_zero_point, (size_t)left);
  memcpy(to + left, in + y * bytes, (size_t)copied);
  memset(to + left + copied, p->input_zero_point, (size_t)(room - copied));
}

void alpharho_simd_depthwise(const struct alpharho_simd_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  const struct alpharho_window *w = &p->window;
  const struct ring ring = ring_of(w);
  int32_t next = 0;
  for (int32_t y = 0; y < w->out_h; y++, out += w->out_w * w->out_c) {
    const int32_t top = y * w->stride_h;
    next = next < top ? top : next;
    for (; next < top + ring.rows; next++) {
      load(p, &ring, in, next, scratch);
    }
    alpharho_simd_depthwise_row(p, scratch, y, out);
  }
}
