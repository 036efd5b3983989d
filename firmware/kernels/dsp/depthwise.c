#include "dsp.h"
#include "memory.h"
#include "row.h"

// Copy input row y to its place in the ring, with the zero point for padding.
static void load(const struct alpharho_dsp_depthwise *p, const int8_t *in, int32_t y, int32_t row_bytes, int8_t *to) {
  const struct alpharho_window *w = &p->window;
  if (y < 0 || y >= w->in_h) {
    alpharho_dsp_fill_words(to, p->input_zero_point, row_bytes);
    return;
  }
  const int32_t left = w->pad_left * w->in_c, row = w->in_w * w->in_c;
  const int32_t copied = row < row_bytes - left ? row : row_bytes - left;
  alpharho_dsp_fill_words(to, p->input_zero_point, left);
  alpharho_dsp_copy_words(to + left, in + y * row, copied);
  alpharho_dsp_fill_words(to + left + copied, p->input_zero_point, row_bytes - left - copied);
}

static int32_t row_bytes_of(const struct alpharho_window *w) {
  return ((w->out_w - 1) * w->stride_w + w->kernel_w) * w->in_c;
}

typedef void row_function(const struct row_job *job);

// `tap_words` is how many words have the weights of a tap.
static void one_row(const struct alpharho_dsp_depthwise *p, int32_t tap_words, row_function *of, const int8_t *ring,
                    int32_t y, int8_t *out) {
  const struct alpharho_window *w = &p->window;
  const int32_t side = w->kernel_h, channels = w->in_c, row_bytes = row_bytes_of(w);
  const int32_t group_words = CHANNELS + side * side * tap_words + CHANNELS + 1;
  struct row_job job = {
      .rounding = 2 * p->zero_point + 1,
      .packed = p->packed,
      .packed_end = p->packed + channels / CHANNELS * group_words,
      .advance = (w->stride_w - 1) * channels,
      .pixels = w->out_w,
      .channels = channels,
      .out = out,
  };
  for (int32_t ky = 0, place = y * w->stride_h % side; ky < side; ky++) {
    job.rows[ky] = ring + place * row_bytes;
    place = place + 1 < side ? place + 1 : 0;
  }
  of(&job);
  if (p->min > INT8_MIN || p->max < INT8_MAX) {
    alpharho_dsp_limit(out, w->out_w * channels, p->min, p->max);
  }
}

void alpharho_dsp_depthwise_row(const struct alpharho_dsp_depthwise *p, const int8_t *ring, int32_t y, int8_t *out) {
  one_row(p, 1, p->window.kernel_h == SIDE_MAX ? alpharho_dsp_row_5x5 : alpharho_dsp_row_3x3, ring, y, out);
}

void alpharho_dsp_depthwise_wide_row(const struct alpharho_dsp_depthwise *p, const int8_t *ring, int32_t y,
                                     int8_t *out) {
  one_row(p, 2, p->window.kernel_h == SIDE_MAX ? alpharho_dsp_wide_row_5x5 : alpharho_dsp_wide_row_3x3, ring, y, out);
}

typedef void depthwise_row(const struct alpharho_dsp_depthwise *p, const int8_t *ring, int32_t y, int8_t *out);

static void all_rows(const struct alpharho_dsp_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch,
                     depthwise_row *row) {
  const struct alpharho_window *w = &p->window;
  const int32_t side = w->kernel_h, row_bytes = row_bytes_of(w);
  int32_t next = 0;
  for (int32_t y = 0; y < w->out_h; y++, out += w->out_w * w->in_c) {
    const int32_t top = y * w->stride_h;
    if (next < top) {
      next = top;
    }
    for (; next < top + side; next++) {
      load(p, in, next - w->pad_top, row_bytes, scratch + next % side * row_bytes);
    }
    row(p, scratch, y, out);
  }
}

void alpharho_dsp_depthwise(const struct alpharho_dsp_depthwise *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  all_rows(p, in, out, scratch, alpharho_dsp_depthwise_row);
}

void alpharho_dsp_depthwise_wide(const struct alpharho_dsp_depthwise *p, const int8_t *in, int8_t *out,
                                 int8_t *scratch) {
  all_rows(p, in, out, scratch, alpharho_dsp_depthwise_wide_row);
}
