// Depthwise convolutions for any way to compute a row: what the sets dsp and m7 share.
#ifndef KERNELS_DSP_DEPTHWISE_H
#define KERNELS_DSP_DEPTHWISE_H

#include "../dsp.h"
#include "memory.h"
#include "row.h"

typedef void row_function(const struct row_job *job);

// How rows of windows of one size are computed: two pixels at a time, if there are functions for it, and one.
// `tap_words` words have the weights of a tap.
struct row_method {
  row_function *pair;
  row_function *pair_stride_2;
  row_function *each;
  int32_t tap_words;
};

// Copy input row y to its place in the ring, with the zero point for padding. Of a place that is not `fresh` the sides
// have it already.
static inline void depthwise_load(const struct alpharho_dsp_depthwise *p, const int8_t *in, int32_t y,
                                  int32_t row_bytes, int8_t *to, int fresh) {
  const struct alpharho_window *w = &p->window;
  if (y < 0 || y >= w->in_h) {
    alpharho_dsp_fill_words(to, p->input_zero_point, row_bytes);
    return;
  }
  const int32_t left = w->pad_left * w->in_c, row = w->in_w * w->in_c;
  const int32_t copied = row < row_bytes - left ? row : row_bytes - left;
  alpharho_dsp_copy_words(to + left, in + y * row, copied);
  if (fresh) {
    alpharho_dsp_fill_words(to, p->input_zero_point, left);
    alpharho_dsp_fill_words(to + left + copied, p->input_zero_point, row_bytes - left - copied);
  }
}

static inline int32_t depthwise_row_bytes(const struct alpharho_window *w) {
  return ((w->out_w - 1) * w->stride_w + w->kernel_w) * w->in_c;
}

// Compute `pixels` outputs of a row: two at a time where there is a function for it, then what is left.
static inline void depthwise_pixels(const struct row_method *m, struct row_job *job, int32_t side, int32_t stride) {
  const int32_t pixels = job->pixels, single_advance = job->advance;
  row_function *const wider = stride == 2 ? m->pair_stride_2 : 0, *const pair = stride == 1 ? m->pair : wider;
  if (pair && pixels > 1) {
    const int32_t done = pixels / 2 * 2 * job->channels;
    job->pixels = pixels / 2;
    job->advance = (2 * stride - 1) * job->channels;
    pair(job);
    if (pixels % 2 == 0) {
      return;
    }
    for (int32_t ky = 0; ky < side; ky++) {
      job->rows[ky] += stride * done;
    }
    job->out += done;
    job->pixels = 1;
    job->advance = single_advance;
  }
  m->each(job);
}

static inline void depthwise_one_row(const struct row_method *m, const struct alpharho_dsp_depthwise *p,
                                     const int8_t *ring, int32_t y, int8_t *out) {
  const struct alpharho_window *w = &p->window;
  const int32_t side = w->kernel_h, channels = w->in_c, row_bytes = depthwise_row_bytes(w);
  const int32_t group_words = CHANNELS + side * side * m->tap_words + CHANNELS + 1;
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
  depthwise_pixels(m, &job, side, w->stride_w);
  if (p->min > INT8_MIN || p->max < INT8_MAX) {
    alpharho_dsp_limit(out, w->out_w * channels, p->min, p->max);
  }
}

static inline void depthwise_all_rows(const struct row_method *m, const struct alpharho_dsp_depthwise *p,
                                      const int8_t *in, int8_t *out, int8_t *scratch) {
  const struct alpharho_window *w = &p->window;
  const int32_t side = w->kernel_h, row_bytes = depthwise_row_bytes(w);
  int32_t next = 0;
  for (int32_t y = 0; y < w->out_h; y++, out += w->out_w * w->in_c) {
    const int32_t top = y * w->stride_h;
    if (next < top) {
      next = top;
    }
    for (; next < top + side; next++) {
      depthwise_load(p, in, next - w->pad_top, row_bytes, scratch + next % side * row_bytes, next < side);
    }
    depthwise_one_row(m, p, scratch, y, out);
  }
}

#endif // KERNELS_DSP_DEPTHWISE_H
