// DEPTHWISE_CONV_2D: rows of output from a ring of input rows, and the C model of the set's assembly for it.
#include "depthwise.h"

#include <stddef.h>

#include "arithmetic.h"
#include "memory.h"
#include "mve.h"

enum { SIDE_MIN = DEPTHWISE_SIDE_MIN, SIDE_MAX = DEPTHWISE_SIDE_MAX };

MVE_ASSERT_OFFSET(struct depthwise_row, packed, ROW_PACKED);
MVE_ASSERT_OFFSET(struct depthwise_row, channels, ROW_CHANNELS);
MVE_ASSERT_OFFSET(struct depthwise_row, taps, ROW_TAPS);
MVE_ASSERT_OFFSET(struct depthwise_row, out, ROW_OUT);
MVE_ASSERT_OFFSET(struct depthwise_row, pixels, ROW_PIXELS);
MVE_ASSERT_OFFSET(struct depthwise_row, advance, ROW_ADVANCE);
MVE_ASSERT_OFFSET(struct depthwise_row, out_advance, ROW_OUT_ADVANCE);
MVE_ASSERT_OFFSET(struct depthwise_row, zero_point, ROW_ZERO_POINT);
MVE_ASSERT_OFFSET(struct depthwise_row, column, ROW_COLUMN);
MVE_ASSERT_OFFSET(struct depthwise_row, negatives, ROW_NEGATIVES);

#ifndef KERNELS_MVE_ASSEMBLY

enum { LANES = 4 };

// Which channel of a block is at a place in the order of biases.
static int32_t channel_at(int32_t place) {
  static const int32_t first[LANES] = {0, 2, 1, 3};
  return first[place / LANES] + place % LANES * LANES;
}

// One of up to 16 channels of a block, from taps at places from `in` on.
static int8_t output(const struct depthwise_taps *row, const int8_t *packed, int32_t place, const int8_t *in) {
  const int32_t taps = 2 * row->pairs + 1, channel = channel_at(place);
  const int8_t *weights = packed + MVE_BLOCK * 4, *scaling = weights + taps * MVE_BLOCK;
  int32_t sum = ((const int32_t *)(const void *)packed)[place];
  for (int32_t tap = 0; tap < taps; tap++) {
    sum = wrap_add(sum, in[row->table[tap] + channel] * weights[tap * MVE_BLOCK + channel]);
  }
  const int8_t *lanes = scaling + place / LANES * (LANES * 4 + LANES);
  const int32_t multiplier = ((const int32_t *)(const void *)lanes)[place % LANES];
  return requantize_sum(sum, multiplier, lanes[LANES * 4 + place % LANES], (int16_t)row->mode, row->mode >> 31 != 0);
}

void alpharho_mve_depthwise_in_c(const struct depthwise_taps *row) {
  const int32_t block_bytes = MVE_BLOCK * (4 + 2 * row->pairs + 1 + 4 + 1);
  const int8_t *in = row->in;
  int8_t *out = row->out;
  for (int32_t x = 0; x < row->pixels; x++, in += row->advance, out += row->out_advance) {
    const int8_t *packed = (const int8_t *)row->packed;
    for (int32_t c = 0; c < row->channels; c += MVE_BLOCK, in += MVE_BLOCK, out += MVE_BLOCK, packed += block_bytes) {
      for (int32_t place = 0; place < MVE_BLOCK; place++) {
        if (c + channel_at(place) < row->channels) {
          out[channel_at(place)] = output(row, packed, place, in);
        }
      }
    }
  }
}

static void multiply_row(const struct depthwise_row *row, int32_t side) {
  int32_t table[SIDE_MAX * SIDE_MAX];
  for (int32_t tap = 0; tap < side * side; tap++) {
    const int8_t *const from = side == SIDE_MAX ? row->taps[tap / side] + tap % side * row->column : row->taps[tap];
    table[tap] = (int32_t)(from - row->taps[0]);
  }
  const struct depthwise_taps same = {
      .packed = row->packed,
      .channels = row->channels,
      .table = table,
      .pairs = side * side / 2,
      .in = row->taps[0],
      .out = row->out,
      .mode = depthwise_mode(row->zero_point, row->negatives),
      .pixels = row->pixels,
      .advance = row->advance,
      .out_advance = row->out_advance,
  };
  alpharho_mve_depthwise_in_c(&same);
}

void alpharho_mve_row_3x3(const struct depthwise_row *row) { multiply_row(row, SIDE_MIN); }

void alpharho_mve_row_3x3_dense(const struct depthwise_row *row) { multiply_row(row, SIDE_MIN); }

void alpharho_mve_row_5x5(const struct depthwise_row *row) { multiply_row(row, SIDE_MAX); }

#endif

static int32_t row_bytes_of(const struct alpharho_window *w) {
  return ((w->out_w - 1) * w->stride_w + (w->kernel_w - 1) * w->dilation_w + 1) * w->in_c;
}

void alpharho_mve_depthwise_limit(const struct alpharho_mve_depthwise *p, int8_t *out) {
  if (is_limited(p->min, p->max)) {
    alpharho_mve_limit(out, p->window.out_w * p->window.in_c, p->min, p->max);
  }
}

// What assembly reads of a row of output, but for where its taps are.
static inline struct depthwise_row job_of(const struct alpharho_mve_depthwise *p, int8_t *out) {
  const struct alpharho_window *w = &p->window;
  const int32_t channels = w->in_c * p->pixels_at_once, covered = depthwise_covered(channels);
  return (struct depthwise_row){
      .packed = p->packed,
      .channels = channels,
      .out = out,
      .pixels = w->out_w / p->pixels_at_once,
      .advance = w->stride_w * channels - covered,
      .out_advance = channels - covered,
      .zero_point = p->zero_point,
      .column = w->in_c,
      .negatives = has_negatives(p->zero_point, p->min),
  };
}

void alpharho_mve_depthwise_row(const struct alpharho_mve_depthwise *p, const int8_t *ring, int32_t y, int8_t *out) {
  const struct alpharho_window *w = &p->window;
  const int32_t row_bytes = row_bytes_of(w), c = w->in_c;
  struct depthwise_row job = job_of(p, out);
  for (int32_t ky = 0, place = y * w->stride_h % SIDE_MIN; ky < SIDE_MIN; ky++) {
    const int8_t *const row = ring + place * row_bytes;
    const int8_t **const taps = &job.taps[ky * SIDE_MIN];
    taps[0] = row;
    taps[1] = row + c;
    taps[2] = row + 2 * c;
    place = place + 1 < SIDE_MIN ? place + 1 : 0;
  }
  if (job.advance == 0 && job.out_advance == 0) {
    alpharho_mve_row_3x3_dense(&job);
  } else {
    alpharho_mve_row_3x3(&job);
  }
  alpharho_mve_depthwise_limit(p, out);
}

void alpharho_mve_depthwise_5x5_row(const struct alpharho_mve_depthwise *p, const int8_t *ring, int32_t y,
                                    int8_t *out) {
  const struct alpharho_window *w = &p->window;
  const int32_t row_bytes = row_bytes_of(w);
  struct depthwise_row job = job_of(p, out);
  for (int32_t ky = 0, place = y * w->stride_h % SIDE_MAX; ky < SIDE_MAX; ky++) {
    job.taps[ky] = ring + place * row_bytes;
    place = place + 1 < SIDE_MAX ? place + 1 : 0;
  }
  alpharho_mve_row_5x5(&job);
  alpharho_mve_depthwise_limit(p, out);
}

// Copies input row y to its place in the ring, with the zero point as padding.
static void load(const struct alpharho_mve_depthwise *p, const int8_t *in, int32_t y, int32_t row_bytes, int8_t *to) {
  const struct alpharho_window *w = &p->window;
  if (y < 0 || y >= w->in_h) {
    alpharho_mve_fill(to, p->input_zero_point, row_bytes);
    return;
  }
  const int32_t left = w->pad_left * w->in_c, row = w->in_w * w->in_c, copied = least(row, row_bytes - left);
  alpharho_mve_fill(to, p->input_zero_point, left);
  alpharho_mve_copy(to + left, in + y * row, copied);
  alpharho_mve_fill(to + left + copied, p->input_zero_point, row_bytes - left - copied);
}

void alpharho_mve_depthwise_rows(const struct alpharho_mve_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch,
                                 depthwise_row_of_t row) {
  const struct alpharho_window *w = &p->window;
  const int32_t rows = (w->kernel_h - 1) * w->dilation_h + 1, row_bytes = row_bytes_of(w);
  int32_t next = 0;
  for (int32_t y = 0; y < w->out_h; y++, out += w->out_w * w->in_c) {
    const int32_t top = y * w->stride_h;
    if (next < top) {
      next = top;
    }
    for (; next < top + rows; next++) {
      load(p, in, next - w->pad_top, row_bytes, scratch + next % rows * row_bytes);
    }
    row(p, scratch, y, out);
  }
}

void alpharho_mve_depthwise(const struct alpharho_mve_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  alpharho_mve_depthwise_rows(p, in, out, scratch, alpharho_mve_depthwise_row);
}

void alpharho_mve_depthwise_5x5(const struct alpharho_mve_depthwise *p, const int8_t *in, int8_t *out,
                                int8_t *scratch) {
  alpharho_mve_depthwise_rows(p, in, out, scratch, alpharho_mve_depthwise_5x5_row);
}
