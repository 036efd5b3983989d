#include "portable.h"
#include "requant.h"
#include "ring.h"

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

// Not inlined: in its caller, GCC has fewer registers for the inner loop, which then takes a tenth longer.
__attribute__((noinline)) static void row_any(const struct alpharho_depthwise *p, const struct ring *ring, int32_t top,
                                              int8_t *out) {
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

void alpharho_depthwise_row(const struct alpharho_depthwise *p, const int8_t *ring, int32_t y, int8_t *out) {
  // The ring is only read below.
  const struct ring rows = ring_of(p, (int8_t *)(uintptr_t)ring);
  row_any(p, &rows, y * p->window.stride_h, out);
}

void alpharho_depthwise(const struct alpharho_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  alpharho_rows_of(p, in, out, scratch, alpharho_depthwise_row);
}
