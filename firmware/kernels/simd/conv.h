// CONV_2D in vectors: PIXELS at a time, or one, against groups of eight channels. Included by each form, which defines
// element_t, sums_t (eight channels), words_t, weights_t (four taps of eight channels), inputs_t (eight taps), PIXELS,
// and the functions on them.
#ifndef KERNELS_SIMD_CONV_H
#define KERNELS_SIMD_CONV_H

#include <string.h>

#include "form.h"

enum { LANES = 8, TAPS = 4 };

// Where the window of an output pixel begins.
struct corner {
  int32_t x, y;
};

static inline struct corner next_of(const struct alpharho_window *w, struct corner at) {
  at.x += w->stride_w;
  if (at.x == w->out_w * w->stride_w - w->pad_left) {
    at.x = -w->pad_left;
    at.y += w->stride_h;
  }
  return at;
}

// Copy the inputs of one output pixel, (kernel_h, kernel_w, in_c), with the zero point for padding. Bytes up to
// `ahead` are read, and up to 16 elements behind the pixel are written, which the next one overwrites.
static inline void gather(const struct alpharho_simd_conv *p, const int8_t *in, const int8_t *ahead, struct corner at,
                          element_t *to) {
  const struct alpharho_window *w = &p->window;
  const int32_t row = w->kernel_w * w->in_c;
  // Whether the taps of a row are adjacent in the input, too.
  const int whole_rows = w->dilation_w == 1 && at.x >= 0 && at.x + w->kernel_w <= w->in_w;
  for (int32_t ky = 0; ky < w->kernel_h; ky++) {
    const int32_t y = at.y + ky * w->dilation_h;
    if (y < 0 || y >= w->in_h) {
      fill(to, p->input_zero_point, row);
      to += row;
      continue;
    }
    if (whole_rows) {
      const int8_t *const from = in + (y * w->in_w + at.x) * w->in_c;
      if (row <= 16 && from + 16 <= ahead) {
        copy_16(to, from);
      } else {
        copy(to, from, row);
      }
      to += row;
      continue;
    }
    for (int32_t kx = 0; kx < w->kernel_w; kx++, to += w->in_c) {
      const int32_t x = at.x + kx * w->dilation_w;
      if (x < 0 || x >= w->in_w) {
        fill(to, p->input_zero_point, w->in_c);
      } else {
        copy(to, in + (y * w->in_w + x) * w->in_c, w->in_c);
      }
    }
  }
}

// `groups` of eight channels from the channel `c` on, of `pixels`.
SIMD_INLINE void multiply(const struct alpharho_simd_conv *p, const element_t *inputs, int32_t c, const int32_t groups,
                          const int32_t pixels, int8_t *out) {
  const int32_t depth = p->depth, channels = p->window.out_c, row = (channels + LANES - 1) / LANES * LANES;
  const int8_t *const weights = p->weights + c * depth;
  const int32_t *const scaling = p->scaling + c;
  sums_t sums[MOST_GROUPS][PIXELS];
  UNROLL for (int32_t g = 0; g < groups; g++) {
    UNROLL for (int32_t i = 0; i < pixels; i++) { sums[g][i] = start(scaling + g * LANES, row); }
  }
  int32_t k = 0;
  for (; k + TAPS < depth; k += 2 * TAPS) {
    inputs_t in[PIXELS];
    UNROLL for (int32_t i = 0; i < pixels; i++) { in[i] = load_inputs(inputs + i * depth + k); }
    UNROLL for (int32_t g = 0; g < groups; g++) {
      const int8_t *const from = weights + (g * depth + k) * LANES;
      const weights_t first = load_weights(from), second = load_weights(from + TAPS * LANES);
      UNROLL for (int32_t i = 0; i < pixels; i++) { sums[g][i] = add_eight(sums[g][i], first, second, in[i]); }
    }
  }
  if (k < depth) {
    UNROLL for (int32_t g = 0; g < groups; g++) {
      const weights_t last = load_weights(weights + (g * depth + k) * LANES);
      UNROLL for (int32_t i = 0; i < pixels; i++) { sums[g][i] = add_four(sums[g][i], last, inputs + i * depth + k); }
    }
  }
  const struct ending end = ending_of(p->zero_point, p->min, p->max, p->negatives);
  UNROLL for (int32_t i = 0; i < pixels; i++) {
    int8_t *const to = out + i * channels + c;
    UNROLL for (int32_t g = 0; g < groups; g += 2) {
      const int32_t *const own = scaling + g * LANES;
      const words_t first = scaled(total(sums[g][i], own, row), own, row, &end);
      const int32_t left = channels - c - g * LANES;
      if (g + 1 < groups) {
        const words_t second = scaled(total(sums[g + 1][i], own + LANES, row), own + LANES, row, &end);
        store(first, second, &end, left < 2 * LANES ? left : 2 * LANES, to + g * LANES);
      } else {
        store(first, first, &end, left < LANES ? left : LANES, to + g * LANES);
      }
    }
  }
}

SIMD_INLINE void conv(const struct alpharho_simd_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  const struct alpharho_window *w = &p->window;
  const int32_t count = w->out_h * w->out_w, depth = p->depth, channels = w->out_c;
  const int is_pointwise = w->kernel_h == 1 && w->kernel_w == 1 && w->stride_h == 1 && w->stride_w == 1 &&
                           w->pad_top == 0 && w->pad_left == 0 && w->in_c == depth && w->in_w == w->out_w;
  element_t *const inputs = (element_t *)(void *)scratch;
  const int8_t *const ahead = in + w->in_h * w->in_w * w->in_c;
  struct corner at = {-w->pad_left, -w->pad_top};
  for (int32_t pixel = 0; pixel < count; pixel += PIXELS, out += PIXELS * channels) {
    const int32_t pixels = count - pixel < PIXELS ? count - pixel : PIXELS;
    if (is_pointwise) {
      copy(inputs, in + pixel * depth, pixels * depth);
    } else {
      for (int32_t i = 0; i < pixels; i++, at = next_of(w, at)) {
        gather(p, in, ahead, at, inputs + i * depth);
      }
    }
    int32_t c = 0;
    if (pixels == PIXELS) {
      for (; c + (GROUPS - 1) * LANES < channels; c += GROUPS * LANES) {
        multiply(p, inputs, c, GROUPS, PIXELS, out);
      }
      for (; c < channels; c += LANES) {
        multiply(p, inputs, c, 1, PIXELS, out);
      }
      continue;
    }
    for (; c + (GROUPS_OF_ONE - 1) * LANES < channels; c += GROUPS_OF_ONE * LANES) {
      for (int32_t i = 0; i < pixels; i++) {
        multiply(p, inputs + i * depth, c, GROUPS_OF_ONE, 1, out + i * channels);
      }
    }
    for (; c < channels; c += LANES) {
      for (int32_t i = 0; i < pixels; i++) {
        multiply(p, inputs + i * depth, c, 1, 1, out + i * channels);
      }
    }
  }
}

#endif // KERNELS_SIMD_CONV_H
