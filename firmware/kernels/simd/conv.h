// CONV_2D in vectors: PIXELS at a time, or one, against groups of GROUP channels, eight or sixteen. Included by each
// form, which defines element_t, sums_t and wide_t (a number for each channel of a group), weights_t (four taps of
// each), inputs_t (eight taps), struct wide_scaling, and the functions on them.
#ifndef KERNELS_SIMD_CONV_H
#define KERNELS_SIMD_CONV_H

#include <string.h>

#include "form.h"

enum { PACKED = 16, TAPS = 4, COPIED = 4 };

// Where the window of an output pixel begins.
struct corner {
  int32_t x, y;
};

SIMD_INLINE struct corner next_of(struct corner at, struct corner first, struct corner strides, int32_t end_x) {
  at.x += strides.x;
  return at.x == end_x ? (struct corner){first.x, at.y + strides.y} : at;
}

// The window of a convolution in elements, kept apart from memory that the copies might overlap for all that the
// compiler knows.
struct gathering {
  int32_t row, pitch;     // of taps, of input
  int32_t last_x, last_y; // corners of windows without padding are at most there; before 0 if they are dilated
  int32_t kernel_h, in_c, in_bytes;
};

static inline struct gathering gathering_of(const struct alpharho_window *w) {
  const int32_t row = w->kernel_w * w->in_c, pitch = w->in_w * w->in_c;
  struct gathering g = {.row = row, .pitch = pitch};
  g.last_x = w->in_w - w->kernel_w;
  g.last_y = w->in_h - w->kernel_h;
  if (w->dilation_w != 1 || w->dilation_h != 1) {
    g.last_x = -1;
  }
  g.kernel_h = w->kernel_h;
  g.in_c = w->in_c;
  g.in_bytes = w->in_h * pitch;
  return g;
}

// Copy the inputs of a window that reaches into the padding, or is dilated, with the zero point for padding.
static __attribute__((noinline)) void gather_padded(const struct alpharho_simd_conv *p, const int8_t *in,
                                                    struct corner at, int32_t row, element_t *to) {
  const struct alpharho_window *w = &p->window;
  for (int32_t ky = 0; ky < w->kernel_h; ky++, to += row, at.y += w->dilation_h) {
    for (int32_t kx = 0; kx < w->kernel_w; kx++) {
      const int32_t x = at.x + kx * w->dilation_w;
      if (at.y < 0 || at.y >= w->in_h || x < 0 || x >= w->in_w) {
        fill(to + kx * w->in_c, p->input_zero_point, w->in_c);
      } else {
        copy(to + kx * w->in_c, in + (at.y * w->in_w + x) * w->in_c, w->in_c);
      }
    }
  }
}

// Copy the inputs of one output pixel, (kernel_h, kernel_w, in_c). Of a row of at most 16 taps, 16 are copied: the next
// row, or pixel, overwrites the others.
SIMD_INLINE void gather(const struct alpharho_simd_conv *p, const struct gathering *g, const int8_t *in,
                        struct corner at, element_t *to) {
  if (at.x < 0 || at.x > g->last_x || at.y < 0 || at.y > g->last_y) {
    gather_padded(p, in, at, g->row, to);
    return;
  }
  const int32_t from = at.y * g->pitch + at.x * g->in_c, last = from + (g->kernel_h - 1) * g->pitch;
  if (g->row == 9 && g->kernel_h == 3 && last + 16 <= g->in_bytes) {
    copy_three_rows(to, in + from, g->pitch);
    return;
  }
  if (g->row <= 16 && last + 16 <= g->in_bytes) {
    for (int32_t offset = from; offset <= last; offset += g->pitch, to += g->row) {
      copy_16(to, in + offset);
    }
    return;
  }
  for (int32_t offset = from; offset <= last; offset += g->pitch, to += g->row) {
    copy(to, in + offset, g->row);
  }
}

// Scale the sums of `groups`, of which `left` channels are there, and store them. All is loaded before, since `out`
// might overlap the parameters for all that the compiler knows.
SIMD_INLINE void finish_tile(const sums_t sums[MOST_GROUPS][PIXELS], const int32_t *scaling, int32_t row,
                             const int32_t groups, const int32_t pixels, int32_t channels, int32_t left,
                             const int32_t negatives, const struct ending *end, int8_t *out) {
  wide_t words[MOST_GROUPS][PIXELS];
  UNROLL for (int32_t g = 0; g < groups; g++) {
    const int32_t *const own = scaling + g * GROUP;
    const struct wide_scaling constants = wide_scaling_of(own, row, end, negatives);
    UNROLL for (int32_t i = 0; i < pixels; i++) {
      words[g][i] = round_wide(total(sums[g][i], own), &constants, negatives);
    }
  }
  UNROLL for (int32_t g = 0; g < groups; g += 16 / GROUP) {
    const int32_t there = left - g * GROUP, second = g + 1 < groups ? g + 1 : g;
    const int32_t most = GROUP == 16 || second > g ? 16 : 8;
    UNROLL for (int32_t i = 0; i < pixels; i++) {
      const bytes_t bytes = wide_bytes_of(words[g][i], words[second][i], end, negatives);
      store_bytes(bytes, there < most ? there : most, out + i * channels + g * GROUP);
    }
  }
}

// `groups` of channels from the channel `c` on, of `pixels`.
SIMD_INLINE void multiply(const struct alpharho_simd_conv *p, const element_t *inputs, int32_t c, const int32_t groups,
                          const int32_t pixels, const struct ending *end, int8_t *out) {
  const int32_t depth = p->depth, channels = p->window.out_c, row = (channels + PACKED - 1) / PACKED * PACKED;
  const int8_t *weights[MOST_GROUPS];
  UNROLL for (int32_t g = 0; g < groups; g++) {
    const int32_t first = c + g * GROUP;
    weights[g] = p->weights + first / PACKED * PACKED * depth + first % PACKED * TAPS;
  }
  const int32_t *const scaling = p->scaling + c;
  sums_t sums[MOST_GROUPS][PIXELS];
  UNROLL for (int32_t g = 0; g < groups; g++) {
    UNROLL for (int32_t i = 0; i < pixels; i++) { sums[g][i] = start(scaling + g * GROUP, row); }
  }
  int32_t k = 0;
  for (; k + TAPS < depth; k += 2 * TAPS) {
    inputs_t in[PIXELS];
    UNROLL for (int32_t i = 0; i < pixels; i++) { in[i] = load_inputs(inputs + i * depth + k); }
    UNROLL for (int32_t g = 0; g < groups; g++) {
      const int8_t *const from = weights[g] + k * PACKED;
      const weights_t first = load_weights(from), second = load_weights(from + TAPS * PACKED);
      UNROLL for (int32_t i = 0; i < pixels; i++) { sums[g][i] = add_eight(sums[g][i], first, second, in[i]); }
    }
  }
  if (k < depth) {
    UNROLL for (int32_t g = 0; g < groups; g++) {
      const weights_t last = load_weights(weights[g] + k * PACKED);
      UNROLL for (int32_t i = 0; i < pixels; i++) { sums[g][i] = add_four(sums[g][i], last, inputs + i * depth + k); }
    }
  }
  if (end->negatives) {
    finish_tile(sums, scaling, row, groups, pixels, channels, channels - c, 1, end, out + c);
  } else {
    finish_tile(sums, scaling, row, groups, pixels, channels, channels - c, 0, end, out + c);
  }
}

// All channels of PIXELS pixels.
SIMD_INLINE void multiply_tile(const struct alpharho_simd_conv *p, const element_t *inputs, const struct ending *end,
                               int8_t *out) {
  const int32_t channels = p->window.out_c;
  int32_t c = 0;
  for (; c + (GROUPS - 1) * GROUP < channels; c += GROUPS * GROUP) {
    multiply(p, inputs, c, GROUPS, PIXELS, end, out);
  }
  for (; c < channels; c += GROUP) {
    multiply(p, inputs, c, 1, PIXELS, end, out);
  }
}

// All channels of a last pixel.
SIMD_INLINE void multiply_pixel(const struct alpharho_simd_conv *p, const element_t *inputs, const struct ending *end,
                                int8_t *out) {
  const int32_t channels = p->window.out_c;
  int32_t c = 0;
  for (; c + (GROUPS_OF_ONE - 1) * GROUP < channels; c += GROUPS_OF_ONE * GROUP) {
    multiply(p, inputs, c, GROUPS_OF_ONE, 1, end, out);
  }
  for (; c < channels; c += GROUP) {
    multiply(p, inputs, c, 1, 1, end, out);
  }
}

SIMD_INLINE void conv(const struct alpharho_simd_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  const struct alpharho_window *w = &p->window;
  const int32_t count = w->out_h * w->out_w, depth = p->depth, channels = w->out_c;
  const int is_pointwise = w->kernel_h == 1 && w->kernel_w == 1 && w->stride_h == 1 && w->stride_w == 1 &&
                           w->pad_top == 0 && w->pad_left == 0 && w->in_c == depth && w->in_w == w->out_w;
  element_t *const inputs = (element_t *)(void *)scratch;
  const struct ending end = ending_of(p->zero_point, p->min, p->max, p->negatives);
  const struct gathering g = gathering_of(w);
  const struct corner first = {-w->pad_left, -w->pad_top}, strides = {w->stride_w, w->stride_h};
  const int32_t end_x = w->out_w * w->stride_w - w->pad_left;
  struct corner at = first;
  for (int32_t pixel = 0; pixel < count; pixel += COPIED) {
    const int32_t pixels = count - pixel < COPIED ? count - pixel : COPIED;
    if (is_pointwise) {
      copy(inputs, in + pixel * depth, pixels * depth);
    } else {
      for (int32_t j = 0; j < pixels; j++, at = next_of(at, first, strides, end_x)) {
        gather(p, &g, in, at, inputs + j * depth);
      }
    }
    int32_t i = 0;
    for (; i + PIXELS <= pixels; i += PIXELS, out += PIXELS * channels) {
      multiply_tile(p, inputs + i * depth, &end, out);
    }
    for (; i < pixels; i++, out += channels) {
      multiply_pixel(p, inputs + i * depth, &end, out);
    }
  }
}

#endif // KERNELS_SIMD_CONV_H
