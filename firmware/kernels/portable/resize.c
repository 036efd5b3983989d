#include <string.h>

#include "portable.h"

enum { POSITION_BITS = 10, POSITION_ONE = 1 << POSITION_BITS };

// The two rows or columns of the input that an output lies between, and how far it is from the first.
struct between {
  int32_t low, high, rest;
};

static struct between between(int32_t position, int32_t size) {
  const int32_t floor = position >> POSITION_BITS, ceiling = (position + POSITION_ONE - 1) >> POSITION_BITS;
  const int32_t low = floor < 0 ? 0 : floor, high = ceiling < size ? ceiling : size - 1;
  // At the edges both are one pixel, which then counts whole.
  return (struct between){low, high, low == high ? 0 : position - low * POSITION_ONE};
}

// To the nearest, halves away from zero. Sums are at most 2^27.
static int8_t rounded(int32_t sum) {
  const int32_t half = 1 << (2 * POSITION_BITS - 1);
  return (int8_t)((sum > 0 ? sum + half : sum - half) / (1 << 2 * POSITION_BITS));
}

void alpharho_resize_bilinear(const struct alpharho_resize_bilinear *p, const int8_t *in, int8_t *out) {
  const int32_t channels = p->channels;
  for (int32_t y = 0; y < p->out_h; y++) {
    const struct between rows = between(y * p->scale_h + p->offset_h, p->in_h);
    const int8_t *top = in + rows.low * p->in_w * channels, *bottom = in + rows.high * p->in_w * channels;
    for (int32_t x = 0; x < p->out_w; x++) {
      const struct between columns = between(x * p->scale_w + p->offset_w, p->in_w);
      const int32_t left = columns.low * channels, right = columns.high * channels;
      const int32_t low = (POSITION_ONE - rows.rest) * columns.rest, high = rows.rest * columns.rest;
      const int32_t low_left = (POSITION_ONE - rows.rest) * (POSITION_ONE - columns.rest);
      const int32_t high_left = rows.rest * (POSITION_ONE - columns.rest);
      for (int32_t c = 0; c < channels; c++) {
        *out++ = rounded(top[left + c] * low_left + top[right + c] * low + bottom[left + c] * high_left +
                         bottom[right + c] * high);
      }
    }
  }
}

void alpharho_resize_nearest(const struct alpharho_resize_nearest *p, const int8_t *in, int8_t *out) {
  for (int32_t y = 0; y < p->out_h; y++) {
    const int8_t *row = in + p->rows[y];
    for (int32_t x = 0; x < p->out_w; x++, out += p->channels) {
      memcpy(out, row + p->columns[x], (size_t)p->channels);
    }
  }
}
