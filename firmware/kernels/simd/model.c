// The form in C, for any CPU: what the others compute.
#include <string.h>

#include "form.h"
#include "portable/fixed_point.h"

enum { BLOCK = 16, TAPS = 4, PIXELS = 4 };

static int8_t output(int32_t sum, int32_t multiplier, int32_t less_shift, int32_t zero_point, int32_t min,
                     int32_t max) {
  return (int8_t)clamp(scale(sum, multiplier, -less_shift - 1) + zero_point, min, max);
}

static int32_t dot(const int8_t *a, const int8_t *b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3]; }

// Of a convolution, each multiplication is of two pixels: `a + (b << 16)` times a weight has both products. Two taps
// fit a half that begins with HALF_BIAS, as no weight is -128.
enum { HALF_BIAS = 32640 };

// Put the inputs of one output pixel, with the zero point for padding, into the lower (`shift` 0) or upper halves (16).
static void gather(const struct alpharho_simd_conv *p, const int8_t *in, int32_t pixel, int32_t shift, uint32_t *to) {
  const struct alpharho_window *w = &p->window;
  const int32_t top = pixel / w->out_w * w->stride_h - w->pad_top;
  const int32_t left = pixel % w->out_w * w->stride_w - w->pad_left;
  const int32_t row = w->kernel_w * w->in_c;
  for (int32_t ky = 0; ky < w->kernel_h; ky++, to += row) {
    const int32_t y = top + ky * w->dilation_h;
    for (int32_t kx = 0; kx < w->kernel_w; kx++) {
      const int32_t x = left + kx * w->dilation_w;
      const int is_inside = y >= 0 && y < w->in_h && x >= 0 && x < w->in_w;
      const int8_t *const from = is_inside ? in + (y * w->in_w + x) * w->in_c : NULL;
      for (int32_t c = 0; c < w->in_c; c++) {
        const int32_t value = from ? from[c] : p->input_zero_point;
        to[kx * w->in_c + c] += (uint32_t)value << shift;
      }
    }
  }
}

static uint32_t product(uint32_t both, int8_t weight) {
  const uint32_t factor = (uint32_t)weight;
  return both * factor;
}

// The sums of two pixels for one channel.
static void dot_of_two(const uint32_t *inputs, const int8_t *weights, int32_t depth, int32_t bias, int32_t sums[2]) {
  uint32_t low = 0, high = 0;
  for (int32_t k = 0; k < depth; k += TAPS, inputs += TAPS, weights += BLOCK * TAPS) {
    const uint32_t begin = HALF_BIAS * 0x10001u;
    const uint32_t a = begin + product(inputs[0], weights[0]) + product(inputs[1], weights[1]);
    const uint32_t b = begin + product(inputs[2], weights[2]) + product(inputs[3], weights[3]);
    low += (a & 0xffffu) + (b & 0xffffu);
    high += (a >> 16) + (b >> 16);
  }
  const int32_t begin = bias - depth / 2 * HALF_BIAS;
  sums[0] = (int32_t)(low + (uint32_t)begin);
  sums[1] = (int32_t)(high + (uint32_t)begin);
}

static void conv(const struct alpharho_simd_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  const struct alpharho_window *w = &p->window;
  const int32_t depth = p->depth, channels = w->out_c, row = (channels + BLOCK - 1) / BLOCK * BLOCK;
  const int32_t count = w->out_h * w->out_w;
  uint32_t *const inputs = (uint32_t *)(void *)scratch;
  for (int32_t pixel = 0; pixel < count; pixel += PIXELS) {
    const int32_t pixels = count - pixel < PIXELS ? count - pixel : PIXELS;
    memset(inputs, 0, (size_t)(2 * depth) * sizeof *inputs);
    for (int32_t i = 0; i < pixels; i++) {
      gather(p, in, pixel + i, i % 2 * 16, inputs + i / 2 * depth);
    }
    for (int32_t i = 0; i < pixels; i += 2) {
      for (int32_t c = 0; c < channels; c++) {
        const int8_t *const weights = p->weights + c / BLOCK * BLOCK * depth + c % BLOCK * TAPS;
        const int32_t *const scaling = p->scaling + c;
        int32_t sums[2];
        dot_of_two(inputs + i / 2 * depth, weights, depth, scaling[0], sums);
        for (int32_t j = 0; j < 2 && i + j < pixels; j++) {
          out[(pixel + i + j) * channels + c] =
              output(sums[j], scaling[2 * row], scaling[3 * row], p->zero_point, p->min, p->max);
        }
      }
    }
  }
}

static void depthwise_row(const struct alpharho_simd_depthwise *p, const int8_t *const *taps, int8_t *out) {
  const struct alpharho_window *w = &p->window;
  const int32_t quads = w->kernel_w == 3 ? w->kernel_h : (w->kernel_h * w->kernel_w + 3) / TAPS;
  for (int32_t begin = 0; begin < w->in_c; begin += p->block) {
    const int32_t first = begin + p->block <= w->in_c ? begin : w->in_c - p->block;
    const int32_t number = begin / p->block;
    for (int32_t x = 0; x < w->out_w; x++) {
      const int32_t at = x * w->stride_w * w->in_c + first;
      for (int32_t c = 0; c < p->block; c++) {
        const int8_t *weights = p->weights + (number * quads * BLOCK + c) * TAPS;
        const int32_t *const scaling = p->scaling + number * 4 * BLOCK + c;
        int32_t sum = scaling[0];
        for (int32_t tap = 0; tap < quads * TAPS; tap += TAPS, weights += BLOCK * TAPS) {
          const int8_t inputs[TAPS] = {
              taps[tap][at + c],
              taps[tap + 1][at + c],
              taps[tap + 2][at + c],
              taps[tap + 3][at + c],
          };
          sum += dot(inputs, weights);
        }
        out[x * w->in_c + first + c] =
            output(sum, scaling[2 * BLOCK], scaling[3 * BLOCK], p->zero_point, p->min, p->max);
      }
    }
  }
}

const struct form alpharho_simd_in_c = {
    conv, depthwise_row, alpharho_add, alpharho_sub, alpharho_mul, alpharho_mean, alpharho_dense,
};
