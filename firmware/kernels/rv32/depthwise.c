#include "depthwise.h"

// Taps of a column of 3x3.
struct column {
  int32_t top, middle, bottom;
};

// Where the next column is.
struct columns {
  const int8_t *top, *middle, *bottom;
  int32_t step;
};

RV32_INLINE struct column take(struct columns *from) {
  const struct column taken = {*from->top, *from->middle, *from->bottom};
  from->top += from->step;
  from->middle += from->step;
  from->bottom += from->step;
  return taken;
}

RV32_INLINE int32_t product(struct column x, struct column w) {
  return x.top * w.top + x.middle * w.middle + x.bottom * w.bottom;
}

// One channel: columns that two windows share are loaded once.
RV32_INLINE void channel_3x3(struct columns from, const struct row *r, int32_t c, const int32_t stride,
                             const int negatives) {
  const struct alpharho_depthwise *p = r->p;
  const int8_t *const w = p->weights + 9 * c;
  const struct column w0 = {w[0], w[3], w[6]}, w1 = {w[1], w[4], w[7]}, w2 = {w[2], w[5], w[8]};
  const struct scaling s = scaling_at(p, c);
  const int32_t bias = p->bias[c], channels = p->window.out_c;
  int8_t *out = r->out + c;
  const int8_t *const end = out + p->window.out_w * channels;
  struct column first = take(&from);
  if (stride == 2) {
    for (; out != end; out += channels) {
      int32_t sum = bias + product(first, w0);
      sum += product(take(&from), w1);
      first = take(&from);
      *out = round_sum(sum + product(first, w2), &s, negatives);
    }
    return;
  }
  struct column second = take(&from);
  for (;;) {
    int32_t sum = bias + product(first, w0) + product(second, w1);
    first = take(&from);
    *out = round_sum(sum + product(first, w2), &s, negatives);
    out += channels;
    if (out == end) {
      return;
    }
    sum = bias + product(second, w0) + product(first, w1);
    second = take(&from);
    *out = round_sum(sum + product(second, w2), &s, negatives);
    out += channels;
    if (out == end) {
      return;
    }
  }
}

RV32_INLINE void row_3x3(const struct row *r, const int32_t stride, const int negatives) {
  const int32_t size = r->ring->rows * r->ring->row_bytes, channels = r->p->window.in_c;
  const int32_t second = r->first + r->ring->row_bytes, third = second + r->ring->row_bytes;
  const int8_t *const top = r->ring->data + r->first;
  const int8_t *const middle = r->ring->data + (second < size ? second : second - size);
  const int8_t *const bottom = r->ring->data + (third < size ? third : third - size);
  for (int32_t c = 0; c < channels; c++) {
    channel_3x3((struct columns){top + c, middle + c, bottom + c, channels}, r, c, stride, negatives);
  }
}

void alpharho_rv32_depthwise_row(const struct alpharho_depthwise *p, const int8_t *ring, int32_t y, int8_t *out) {
  // The ring is only read below.
  const struct ring rows = ring_of(p, (int8_t *)(uintptr_t)ring);
  const struct row row = row_of(p, &rows, y, out);
  if (p->window.stride_w == 2) {
    row_3x3(&row, 2, has_negatives(p));
  } else if (has_negatives(p)) {
    row_3x3(&row, 1, 1);
  } else {
    row_3x3(&row, 1, 0);
  }
}

void alpharho_rv32_depthwise(const struct alpharho_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  rows_of(p, in, out, scratch, alpharho_rv32_depthwise_row);
}
