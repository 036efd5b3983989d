// CONV_2D: four pixels at a time against eight or sixteen channels.
#include "simd.h"

#include "vector.h"

enum { PIXELS = 4, ROW_WORDS = 3 * LANES };

static int16_t *expand(int16_t *to, const int8_t *from, int32_t count) {
  int32_t i = 0;
  for (; i + EXPANDED <= count; i += EXPANDED) {
    expand_some(to + i, from + i);
  }
  for (; i < count; i++) {
    to[i] = from[i];
  }
  return to + count;
}

static int16_t *fill(int16_t *to, int8_t value, int32_t count) {
  for (int32_t i = 0; i < count; i++) {
    to[i] = value;
  }
  return to + count;
}

// Copy the inputs of one output pixel, (kernel_h, kernel_w, in_c), with the zero point for padding.
static void gather(const struct alpharho_simd_conv *p, const int8_t *in, int32_t pixel, int16_t *to) {
  const struct alpharho_window *w = &p->window;
  const int32_t top = pixel / w->out_w * w->stride_h - w->pad_top;
  const int32_t left = pixel % w->out_w * w->stride_w - w->pad_left;
  // Whether the taps of a row are adjacent in the input, too.
  const int whole_rows = w->dilation_w == 1 && left >= 0 && left + w->kernel_w <= w->in_w;
  for (int32_t ky = 0; ky < w->kernel_h; ky++) {
    const int32_t y = top + ky * w->dilation_h;
    if (y < 0 || y >= w->in_h) {
      to = fill(to, p->input_zero_point, w->kernel_w * w->in_c);
      continue;
    }
    if (whole_rows) {
      to = expand(to, in + (y * w->in_w + left) * w->in_c, w->kernel_w * w->in_c);
      continue;
    }
    for (int32_t kx = 0; kx < w->kernel_w; kx++) {
      const int32_t x = left + kx * w->dilation_w;
      if (x < 0 || x >= w->in_w) {
        to = fill(to, p->input_zero_point, w->in_c);
      } else {
        to = expand(to, in + (y * w->in_w + x) * w->in_c, w->in_c);
      }
    }
  }
}

// `groups` of eight channels of all pixels; the first `pixels` are stored, of the last group the first `channels`.
static inline void multiply(const struct alpharho_simd_conv *p, const int16_t *inputs, const int8_t *weights,
                            const int32_t *scaling, int32_t groups, int32_t channels, int32_t pixels, int8_t *out) {
  const struct limits limits = {p->zero_point, p->min, p->max};
  const int32_t depth = p->depth;
  sums_t sums[2][PIXELS];
  for (int32_t g = 0; g < groups; g++) {
    for (int32_t i = 0; i < PIXELS; i++) {
      sums[g][i] = load_sums(scaling + g * ROW_WORDS);
    }
  }
  for (int32_t k = 0; k < depth; k += 2) {
    for (int32_t g = 0; g < groups; g++) {
      const pairs_t pairs = load_pairs(weights + (g * depth + k) * LANES);
      for (int32_t i = 0; i < PIXELS; i++) {
        sums[g][i] = add_products(sums[g][i], pairs, inputs + i * depth + k);
      }
    }
  }
  for (int32_t g = 0; g < groups; g++) {
    const int32_t count = g + 1 < groups ? LANES : channels;
    for (int32_t i = 0; i < pixels; i++) {
      store_part(sums[g][i], scaling + g * ROW_WORDS, &limits, count, out + i * p->window.out_c + g * LANES);
    }
  }
}

void alpharho_simd_conv(const struct alpharho_simd_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  const struct alpharho_window *w = &p->window;
  const int32_t count = w->out_h * w->out_w, depth = p->depth, channels = w->out_c;
  const int is_pointwise = w->kernel_h == 1 && w->kernel_w == 1 && w->stride_h == 1 && w->stride_w == 1 &&
                           w->pad_top == 0 && w->pad_left == 0 && w->in_c == depth && w->in_w == w->out_w;
  int16_t *const inputs = (int16_t *)(void *)scratch;
  for (int32_t pixel = 0; pixel < count; pixel += PIXELS, out += PIXELS * channels) {
    const int32_t pixels = count - pixel < PIXELS ? count - pixel : PIXELS;
    if (is_pointwise) {
      (void)expand(inputs, in + pixel * depth, pixels * depth);
    } else {
      for (int32_t i = 0; i < pixels; i++) {
        gather(p, in, pixel + i, inputs + i * depth);
      }
    }
    const int8_t *weights = p->weights;
    const int32_t *scaling = p->scaling;
    int32_t c = 0;
    for (; c + LANES < channels; c += 2 * LANES, weights += 2 * LANES * depth, scaling += 2 * ROW_WORDS) {
      multiply(p, inputs, weights, scaling, 2, channels - c - LANES, pixels, out + c);
    }
    if (c < channels) {
      multiply(p, inputs, weights, scaling, 1, channels - c, pixels, out + c);
    }
  }
}
