// DEPTHWISE_CONV_2D: eight channels at a time, rows of output from a ring of input rows.
#include "simd.h"

#include "vector.h"

enum { MOST_TAPS = 26 };

struct ring {
  int32_t rows, row_bytes;
};

static struct ring ring_of(const struct alpharho_window *w) {
  return (struct ring){w->kernel_h, ((w->out_w - 1) * w->stride_w + w->kernel_w) * w->in_c};
}

void alpharho_simd_depthwise_row(const struct alpharho_simd_depthwise *p, const int8_t *ring, int32_t y, int8_t *out) {
  const struct alpharho_window *w = &p->window;
  const struct ring rows = ring_of(w);
  const struct limits limits = {p->zero_point, p->min, p->max};
  const int8_t *taps[MOST_TAPS] = {0};
  int32_t count = 0;
  for (int32_t ky = 0; ky < w->kernel_h; ky++) {
    const int8_t *const row = ring + (y * w->stride_h + ky) % rows.rows * rows.row_bytes;
    for (int32_t kx = 0; kx < w->kernel_w; kx++) {
      taps[count++] = row + kx * w->in_c;
    }
  }
  if (count % 2 != 0) {
    taps[count] = taps[count - 1];
    count++;
  }
  for (int32_t x = 0; x < w->out_w; x++, out += w->in_c) {
    const int32_t moved = x * w->stride_w * w->in_c;
    const int8_t *weights = p->weights;
    const int32_t *scaling = p->scaling;
    for (int32_t c = 0; c < w->in_c; c += LANES, scaling += 3 * LANES) {
      sums_t sums = load_sums(scaling);
      for (int32_t tap = 0; tap < count; tap += 2, weights += 2 * LANES) {
        sums = add_taps(sums, load_pairs(weights), taps[tap] + moved + c, taps[tap + 1] + moved + c);
      }
      store_sums(sums, scaling, &limits, out + c);
    }
  }
}

// Copy row y into the ring, with the zero point for padding; rows are counted from the first row of padding.
static void load(const struct alpharho_simd_depthwise *p, const struct ring *ring, const int8_t *in, int32_t row,
                 int8_t *scratch) {
  const struct alpharho_window *w = &p->window;
  int8_t *const to = scratch + row % ring->rows * ring->row_bytes;
  const int32_t y = row - w->pad_top, bytes = w->in_w * w->in_c, left = w->pad_left * w->in_c;
  memset(to, p->input_zero_point, (size_t)ring->row_bytes);
  if (y >= 0 && y < w->in_h) {
    const int32_t room = ring->row_bytes - left;
    memcpy(to + left, in + y * bytes, (size_t)(bytes < room ? bytes : room));
  }
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
