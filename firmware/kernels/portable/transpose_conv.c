#include "portable.h"
#include "requant.h"

// The sum of one tap: `depth` products. It wraps, as the reference's sum does.
static int32_t add_tap(int32_t sum, const int8_t *in, int32_t offset, const int8_t *weights, int32_t depth) {
  for (int32_t i = 0; i < depth; i++) {
    sum = wrap_add(sum, (in[i] + offset) * weights[i]);
  }
  return sum;
}

// The sum of all taps that reach output pixel (y, x), for the channel whose weights these are.
static int32_t sum_of_taps(const struct alpharho_transpose_conv *p, const int8_t *in, const int8_t *weights,
                           int32_t bias, int32_t y, int32_t x) {
  const struct alpharho_window *w = &p->window;
  int32_t sum = bias;
  for (int32_t ky = (y + w->pad_top) % w->stride_h; ky < w->kernel_h; ky += w->stride_h) {
    const int32_t in_y = (y + w->pad_top - ky) / w->stride_h;
    if (y + w->pad_top < ky || in_y >= w->in_h) {
      continue;
    }
    for (int32_t kx = (x + w->pad_left) % w->stride_w; kx < w->kernel_w; kx += w->stride_w) {
      const int32_t in_x = (x + w->pad_left - kx) / w->stride_w;
      if (x + w->pad_left >= kx && in_x < w->in_w) {
        sum = add_tap(sum, in + (in_y * w->in_w + in_x) * w->in_c, p->input_offset,
                      weights + (ky * w->kernel_w + kx) * w->in_c, w->in_c);
      }
    }
  }
  return sum;
}

void alpharho_transpose_conv(const struct alpharho_transpose_conv *p, const int8_t *in, int8_t *out) {
  const struct alpharho_window *w = &p->window;
  const int32_t taps = w->kernel_h * w->kernel_w * w->in_c;
  for (int32_t y = 0; y < w->out_h; y++) {
    for (int32_t x = 0; x < w->out_w; x++) {
      for (int32_t c = 0; c < w->out_c; c++) {
        *out++ = requantize(&p->requant, sum_of_taps(p, in, p->weights + c * taps, p->bias[c], y, x), c);
      }
    }
  }
}
