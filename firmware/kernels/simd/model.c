// The form in C, for any CPU: what the others compute.
#include <string.h>

#include "form.h"
#include "portable/fixed_point.h"

enum { BLOCK = 16, TAPS = 4, PIXELS = 4, CHANNELS = 4 };

static int8_t output(int32_t sum, int32_t multiplier, int32_t less_shift, int32_t zero_point, int32_t min,
                     int32_t max) {
  return (int8_t)clamp(scale(sum, multiplier, -less_shift - 1) + zero_point, min, max);
}

// Of a convolution, each multiplication is of two pixels: `a + (b << 16)` times a weight has both products. Two taps
// fit a half that begins with HALF_BIAS, as no weight is -128.
enum { HALF_BIAS = 32640 };

// Put `size` inputs, or the zero point if there are none, into the lower (`shift` 0) or upper halves (16).
static void put(const int8_t *from, int32_t zero_point, int32_t size, int32_t shift, uint32_t *to) {
  if (!from) {
    for (int32_t i = 0; i < size; i++) {
      to[i] += (uint32_t)zero_point << shift;
    }
    return;
  }
  for (int32_t i = 0; i < size; i++) {
    to[i] += (uint32_t)from[i] << shift;
  }
}

// The inputs of one output pixel, with the zero point for padding.
static void gather(const struct alpharho_simd_conv *p, const int8_t *in, int32_t pixel, int32_t shift, uint32_t *to) {
  const struct alpharho_window *w = &p->window;
  const int32_t top = pixel / w->out_w * w->stride_h - w->pad_top;
  const int32_t left = pixel % w->out_w * w->stride_w - w->pad_left;
  const int is_row = w->dilation_w == 1 && left >= 0 && left + w->kernel_w <= w->in_w;
  const int32_t columns = is_row ? 1 : w->kernel_w, size = is_row ? w->kernel_w * w->in_c : w->in_c;
  for (int32_t ky = 0; ky < w->kernel_h; ky++) {
    const int32_t y = top + ky * w->dilation_h;
    for (int32_t kx = 0; kx < columns; kx++, to += size) {
      const int32_t x = left + kx * w->dilation_w;
      const int is_inside = y >= 0 && y < w->in_h && x >= 0 && x < w->in_w;
      put(is_inside ? in + (y * w->in_w + x) * w->in_c : NULL, p->input_zero_point, size, shift, to);
    }
  }
}

static inline uint32_t product(uint32_t both, int8_t weight) {
  const uint32_t factor = (uint32_t)weight;
  return both * factor;
}

// The sums of two pixels for some channels side by side: both, and the upper one, which is taken off in the end.
static void dot_of_two(const uint32_t *inputs, const int8_t *weights, int32_t depth, uint32_t both[CHANNELS],
                       uint32_t upper[CHANNELS]) {
  const uint32_t begin = HALF_BIAS * 0x10001u;
  uint32_t low[CHANNELS] = {0}, high[CHANNELS] = {0};
  for (int32_t k = 0; k < depth; k += TAPS, inputs += TAPS, weights += BLOCK * TAPS) {
    UNROLL for (int32_t c = 0; c < CHANNELS; c++) {
      const int8_t *const w = weights + c * TAPS;
      const uint32_t a = begin + product(inputs[0], w[0]) + product(inputs[1], w[1]);
      const uint32_t b = begin + product(inputs[2], w[2]) + product(inputs[3], w[3]);
      low[c] += a + b;
      high[c] += (a >> 16) + (b >> 16);
    }
  }
  UNROLL for (int32_t c = 0; c < CHANNELS; c++) {
    both[c] = low[c];
    upper[c] = high[c];
  }
}

// Some channels, of which `left` are there, of two pixels, or one.
static void channels_of_two(const struct alpharho_simd_conv *p, const uint32_t *inputs, int32_t c, int32_t left,
                            int32_t pixels, int8_t *out) {
  const int32_t depth = p->depth, channels = p->window.out_c, row = (channels + BLOCK - 1) / BLOCK * BLOCK;
  uint32_t both[CHANNELS], upper[CHANNELS];
  dot_of_two(inputs, p->weights + c / BLOCK * BLOCK * depth + c % BLOCK * TAPS, depth, both, upper);
  for (int32_t j = 0; j < CHANNELS && j < left; j++) {
    const int32_t *const scaling = p->scaling + c + j;
    const uint32_t begin = (uint32_t)scaling[0] - (uint32_t)(depth / 2 * HALF_BIAS);
    const uint32_t sums[2] = {both[j] - (upper[j] << 16) + begin, upper[j] + begin};
    for (int32_t i = 0; i < pixels; i++) {
      out[i * channels + c + j] =
          output((int32_t)sums[i], scaling[2 * row], scaling[3 * row], p->zero_point, p->min, p->max);
    }
  }
}

static void conv(const struct alpharho_simd_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  const struct alpharho_window *w = &p->window;
  const int32_t depth = p->depth, channels = w->out_c, count = w->out_h * w->out_w;
  uint32_t *const inputs = (uint32_t *)(void *)scratch;
  for (int32_t pixel = 0; pixel < count; pixel += PIXELS) {
    const int32_t pixels = count - pixel < PIXELS ? count - pixel : PIXELS;
    memset(inputs, 0, (size_t)(2 * depth) * sizeof *inputs);
    for (int32_t i = 0; i < pixels; i++) {
      gather(p, in, pixel + i, i % 2 * 16, inputs + i / 2 * depth);
    }
    for (int32_t i = 0; i < pixels; i += 2) {
      for (int32_t c = 0; c < channels; c += CHANNELS) {
        channels_of_two(p, inputs + i / 2 * depth, c, channels - c, pixels - i < 2 ? 1 : 2,
                        out + (pixel + i) * channels);
      }
    }
  }
}

// A block of channels of one pixel. The sums are an array, so that the compiler can use vectors that any CPU of the
// architecture has.
static void block_of_one(const struct alpharho_simd_depthwise *p, const int8_t *const *taps, int32_t at, int32_t number,
                         int32_t quads, int8_t *out) {
  const int32_t *const scaling = p->scaling + number * 4 * BLOCK;
  int32_t sums[BLOCK];
  memcpy(sums, scaling, sizeof sums);
  const int8_t *weights = p->weights + number * quads * BLOCK * TAPS;
  for (int32_t tap = 0; tap < quads * TAPS; tap += TAPS, weights += BLOCK * TAPS) {
    const int8_t *const a = taps[tap] + at, *const b = taps[tap + 1] + at;
    const int8_t *const c = taps[tap + 2] + at, *const d = taps[tap + 3] + at;
    for (int32_t i = 0; i < p->block; i++) {
      const int8_t *const w = weights + i * TAPS;
      sums[i] += a[i] * w[0] + b[i] * w[1] + c[i] * w[2] + d[i] * w[3];
    }
  }
  for (int32_t i = 0; i < p->block; i++) {
    out[i] = output(sums[i], scaling[2 * BLOCK + i], scaling[3 * BLOCK + i], p->zero_point, p->min, p->max);
  }
}

static void depthwise_row(const struct alpharho_simd_depthwise *p, const int8_t *const *taps, int8_t *out) {
  const struct alpharho_window *w = &p->window;
  const int32_t quads = w->kernel_w == 3 ? w->kernel_h : (w->kernel_h * w->kernel_w + 3) / TAPS;
  for (int32_t begin = 0; begin < w->in_c; begin += p->block) {
    const int32_t first = begin + p->block <= w->in_c ? begin : w->in_c - p->block;
    for (int32_t x = 0; x < w->out_w; x++) {
      block_of_one(p, taps, x * w->stride_w * w->in_c + first, begin / p->block, quads, out + x * w->in_c + first);
    }
  }
}

const struct form alpharho_simd_in_c = {
    conv, depthwise_row, alpharho_add, alpharho_sub, alpharho_mul, alpharho_mean, alpharho_dense,
};
