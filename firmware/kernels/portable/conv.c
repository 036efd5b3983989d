#include <string.h>

#include "dot.h"
#include "portable.h"

// Copy the inputs of one output pixel and one group, (kernel_h, kernel_w, depth), with the zero point for
// padding.
static void gather(const struct alpharho_conv *p, const int8_t *in, int32_t y, int32_t x, int32_t group, int8_t *to) {
  const struct alpharho_window *w = &p->window;
  const uint32_t depth = (uint32_t)(w->in_c / p->groups);
  const int32_t top = y * w->stride_h - w->pad_top, left = x * w->stride_w - w->pad_left;
  // Whether the taps of a row are adjacent in the input, too.
  const int whole_rows = p->groups == 1 && w->dilation_w == 1 && left >= 0 && left + w->kernel_w <= w->in_w;
  for (int32_t ky = 0; ky < w->kernel_h; ky++) {
    const int32_t in_y = top + ky * w->dilation_h;
    if (whole_rows && in_y >= 0 && in_y < w->in_h) {
      const int32_t size = w->kernel_w * w->in_c;
      memcpy(to, in + (in_y * w->in_w + left) * w->in_c, (size_t)size);
      to += size;
      continue;
    }
    for (int32_t kx = 0; kx < w->kernel_w; kx++, to += depth) {
      const int32_t in_x = left + kx * w->dilation_w;
      if (in_y < 0 || in_y >= w->in_h || in_x < 0 || in_x >= w->in_w) {
        memset(to, p->input_zero_point, depth);
      } else {
        memcpy(to, in + (in_y * w->in_w + in_x) * w->in_c + group * (int32_t)depth, depth);
      }
    }
  }
}

void alpharho_conv(const struct alpharho_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  const struct alpharho_window *w = &p->window;
  const int32_t depth = w->kernel_h * w->kernel_w * (w->in_c / p->groups);
  const int32_t channels = w->out_c / p->groups;
  const int32_t pixels = w->out_h * w->out_w;
  for (int32_t i = 0; i < pixels; i += 2, out += 2 * w->out_c) {
    const int32_t pitch = i + 1 < pixels ? w->out_c : 0;
    for (int32_t g = 0; g < p->groups; g++) {
      gather(p, in, i / w->out_w, i % w->out_w, g, scratch);
      if (pitch) {
        gather(p, in, (i + 1) / w->out_w, (i + 1) % w->out_w, g, scratch + depth);
      }
      multiply_rows(&p->requant, scratch, p->weights, p->bias, depth, g * channels, channels, out, pitch);
    }
  }
}

void alpharho_pointwise(const struct alpharho_conv *p, const int8_t *in, int8_t *out) {
  const int32_t depth = p->window.in_c, channels = p->window.out_c;
  const int32_t pixels = p->window.out_h * p->window.out_w;
  for (int32_t i = 0; i < pixels; i += 2, in += 2 * depth, out += 2 * channels) {
    const int32_t pitch = i + 1 < pixels ? channels : 0;
    multiply_rows(&p->requant, in, p->weights, p->bias, depth, 0, channels, out, pitch);
  }
}
