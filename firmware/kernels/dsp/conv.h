// Convolutions for any way to multiply: what the sets dsp and m7 share. A function of this file is compiled for each.
#ifndef KERNELS_DSP_CONV_H
#define KERNELS_DSP_CONV_H

#include <string.h>

#include "../dsp.h"
#include "instructions.h"
#include "memory.h"
#include "multiply.h"

// How PIXELS are computed side by side.
struct method {
  int32_t channels;      // computed at once
  int32_t scaling_words; // behind the weights of these channels
  int32_t unit_taps;     // taps of a unit of the unrolled loop
  int32_t units;
  int32_t last_units; // behind that loop
  int32_t unit_code_bytes;
  void (*expand)(const struct expand_job *job);
  void (*expand_rgb)(const int8_t *from, int32_t pitch, int32_t step, uint32_t *to);
  void (*multiply)(const struct multiply_job *job);
  void (*multiply_last)(const struct multiply_job *job); // where a pixel is left; may be `multiply`
};

static inline void conv_set(struct multiply_job *job, const struct method *m, const struct alpharho_dsp_conv *p,
                            const uint32_t *inputs) {
  const int32_t units = p->depth / m->unit_taps - m->last_units; // in the unrolled loop
  const int32_t group_words = m->channels * (1 + p->depth / BLOCK_TAPS) + m->scaling_words;
  job->packed = p->packed;
  job->packed_end = p->packed + p->window.out_c / m->channels * group_words;
  job->inputs = inputs;
  job->inputs_end = inputs + p->depth / PAIR_TAPS * PIXELS;
  job->skip = (uint32_t)((m->units - 1 - (units - 1) % m->units) * m->unit_code_bytes);
  job->negatives = p->zero_point > p->min;
  job->rounding = 2 * p->zero_point + 1;
}

// Steps to the second pixel and from the third, and to the third: where fewer than PIXELS are left, some are 0, and a
// pixel is computed again.
static inline void conv_steps(struct multiply_job *job, int32_t left, int32_t channels) {
  job->steps[0] = left >= 3 ? channels : 0;
  job->steps[1] = left >= PIXELS || left == 2 ? channels : 0;
}

// Multiply the expanded inputs, and limit the outputs of `count` pixels.
static inline void conv_finish(const struct method *m, const struct alpharho_dsp_conv *p,
                               const struct multiply_job *job, int32_t count) {
  (count == 1 ? m->multiply_last : m->multiply)(job);
  if (p->min > INT8_MIN || p->max < INT8_MAX) {
    alpharho_dsp_limit(job->out, count * p->window.out_c, p->min, p->max);
  }
}

static inline int32_t fewer(int32_t a, int32_t b) { return a < b ? a : b; }

// `by_words` says that input channels are whole words. Else a pixel's last word is read beyond its end: the next
// pixel's inputs meet weights of 0. Pixels from which a word would reach beyond the input are copied first.
static inline void conv_pointwise(const struct method *m, const struct alpharho_dsp_conv *p, const int8_t *in,
                                  int8_t *out, int8_t *scratch, int by_words) {
  const int32_t in_c = p->window.in_c, channels = p->window.out_c, depth = by_words ? in_c : p->depth;
  int8_t *const copy = scratch + 2 * depth * PIXELS;
  struct multiply_job job;
  struct expand_job expand = {.to = (void *)scratch};
  conv_set(&job, m, p, expand.to);
  expand.end = expand.to + depth / PAIR_TAPS * PIXELS;
  for (int32_t left = p->window.out_h * p->window.out_w; left > 0; left -= PIXELS) {
    conv_steps(&job, left, 1);
    const int8_t *row = in;
    if (!by_words && (left - PIXELS) * in_c < depth - in_c) {
      memcpy(copy, in, (size_t)fewer(left, PIXELS) * (size_t)in_c);
      row = copy;
    }
    for (int32_t n = 0; n < PIXELS; row += job.steps[n & 1] * in_c, n++) {
      expand.rows[n] = row;
    }
    m->expand(&expand);
    job.steps[0] *= channels;
    job.steps[1] *= channels;
    job.out = out;
    conv_finish(m, p, &job, fewer(left, PIXELS));
    in += PIXELS * in_c;
    out += PIXELS * channels;
  }
}

// An output pixel, and where its window begins in the input.
struct conv_pixel {
  int32_t x, y, top, side;
};

static inline struct conv_pixel conv_place(const struct alpharho_window *w, int32_t x, int32_t y) {
  return (struct conv_pixel){x, y, y * w->stride_h - w->pad_top, x * w->stride_w - w->pad_left};
}

static inline struct conv_pixel conv_next(const struct alpharho_window *w, const struct conv_pixel *at) {
  return at->x + 1 < w->out_w ? conv_place(w, at->x + 1, at->y) : conv_place(w, 0, at->y + 1);
}

// Whether no tap of a window, whose last row and column are so far behind the first ones, is padding.
static inline int conv_is_inside(const struct alpharho_window *w, const struct conv_pixel *at, int32_t down,
                                 int32_t across) {
  return at->top >= 0 && at->side >= 0 && at->top + down < w->in_h && at->side + across < w->in_w;
}

// Few bytes take less than a call. The empty statement keeps the compiler from making one.
enum { CONV_FEW = 4 };

static inline int8_t *conv_copy(int8_t *to, const int8_t *from, int32_t size) {
  if (size > CONV_FEW) {
    memcpy(to, from, (size_t)size);
    return to + size;
  }
  for (const int8_t *const end = from + size; from != end;) {
    __asm__ volatile("");
    *to++ = *from++;
  }
  return to;
}

static inline int8_t *conv_fill(int8_t *to, int8_t value, int32_t size) {
  if (size > CONV_FEW) {
    memset(to, value, (size_t)size);
    return to + size;
  }
  for (int8_t *const end = to + size; to != end;) {
    __asm__ volatile("");
    *to++ = value;
  }
  return to;
}

// Copy the inputs of one output pixel, (kernel_h, kernel_w, in_c), with the zero point for padding. Cold: compiled for
// size, it is smaller, and faster on an M7.
__attribute__((noinline, cold)) static void conv_gather(const struct alpharho_dsp_conv *p, const int8_t *in,
                                                        const struct conv_pixel *at, int8_t *to) {
  const struct alpharho_window *w = &p->window;
  const int8_t padding = (int8_t)p->input_zero_point;
  const int32_t step = w->dilation_w, row_bytes = w->kernel_w * w->in_c;
  int32_t first = 0, end = w->kernel_w; // of the taps inside a row of input
  while (first < end && at->side + first * step < 0) {
    first++;
  }
  while (end > first && at->side + (end - 1) * step >= w->in_w) {
    end--;
  }
  // Taps side by side are copied at once.
  const int32_t inside = end - first, runs = step == 1 ? 1 : inside, run = step == 1 ? inside * w->in_c : w->in_c;
  for (int32_t ky = 0; ky < w->kernel_h; ky++) {
    const int32_t in_y = at->top + ky * w->dilation_h;
    int8_t *const next = to + row_bytes;
    if (in_y >= 0 && in_y < w->in_h) {
      to = conv_fill(to, padding, first * w->in_c);
      const int8_t *from = in + (in_y * w->in_w + at->side + first * step) * w->in_c;
      for (int32_t i = 0; i < runs; i++, from += step * w->in_c) {
        to = conv_copy(to, from, run);
      }
    }
    if (to != next) {
      to = conv_fill(to, padding, (int32_t)(next - to));
    }
  }
}

// The same of windows whose rows are a word, where rows of the input are two or more: a word from the row, shifted to
// its place in the window.
__attribute__((noinline)) static void conv_gather_words(const struct alpharho_dsp_conv *p, const int8_t *in,
                                                        const struct conv_pixel *at, int8_t *to) {
  const struct alpharho_window *w = &p->window;
  const int32_t over = at->side + w->kernel_w - w->in_w;
  const int32_t left = at->side < 0 ? -at->side : 0, right = over > 0 ? over : 0; // taps that are padding
  if (left >= w->kernel_w || right >= w->kernel_w) {
    conv_gather(p, in, at, to);
    return;
  }
  const int32_t before = 8 * left * w->in_c, behind = 8 * right * w->in_c;
  const uint32_t padding = (uint8_t)p->input_zero_point * 0x01010101u;
  const uint32_t sides = padding & ~((~0u << before) & (~0u >> behind));
  const int8_t *const column = in + (at->side + left - right) * w->in_c;
  for (int32_t ky = 0; ky < w->kernel_h; ky++, to += sizeof padding) {
    const int32_t in_y = at->top + ky * w->dilation_h;
    uint32_t word = padding;
    if (in_y >= 0 && in_y < w->in_h) {
      word = load_word(column + in_y * w->in_w * w->in_c) << before >> behind | sides;
    }
    store_word(to, word);
  }
}

static inline void conv_any(const struct method *m, const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out,
                            int8_t *scratch) {
  const struct alpharho_window *w = &p->window;
  struct multiply_job job;
  conv_set(&job, m, p, (void *)scratch);
  int8_t *const gathered = scratch + 2 * p->depth * PIXELS;
  // Rows of taps that are words are read in the input, others are copied.
  const int by_rows = w->dilation_w == 1 && w->kernel_w * w->in_c % BLOCK_TAPS == 0;
  const int32_t rows = by_rows ? w->kernel_h : 1, row_taps = p->depth / rows;
  const int32_t row_bytes = w->in_w * w->in_c, down = (w->kernel_h - 1) * w->dilation_h;
  const int are_words = by_rows && row_taps == BLOCK_TAPS && row_bytes >= 2 * BLOCK_TAPS;
  struct conv_pixel at = conv_place(w, 0, 0);
  for (int32_t left = w->out_h * w->out_w; left > 0; left -= PIXELS, out += PIXELS * w->out_c) {
    struct expand_job expand = {.end = (void *)scratch};
    int32_t pitch[PIXELS] = {0};
    conv_steps(&job, left, w->out_c);
    for (int32_t n = 0; n < PIXELS; n++) {
      if (by_rows && conv_is_inside(w, &at, down, w->kernel_w - 1)) {
        expand.rows[n] = in + at.top * row_bytes + at.side * w->in_c;
        pitch[n] = w->dilation_h * row_bytes;
      } else {
        (are_words ? conv_gather_words : conv_gather)(p, in, &at, gathered + n * p->depth);
        expand.rows[n] = gathered + n * p->depth;
        pitch[n] = row_taps;
      }
      if (n + 1 == PIXELS || job.steps[n & 1]) {
        at = conv_next(w, &at);
      }
    }
    for (int32_t row = 0; row < rows; row++) {
      expand.to = expand.end;
      expand.end += row_taps / PAIR_TAPS * PIXELS;
      m->expand(&expand);
      for (int32_t n = 0; n < PIXELS; n++) {
        expand.rows[n] += pitch[n];
      }
    }
    job.out = out;
    conv_finish(m, p, &job, fewer(left, PIXELS));
  }
}

static inline void conv_rgb(const struct method *m, const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out,
                            int8_t *scratch) {
  const struct alpharho_window *w = &p->window;
  const int32_t pitch = w->in_w * w->in_c;
  uint32_t *const inputs = (void *)scratch;
  struct multiply_job job;
  conv_set(&job, m, p, inputs);
  struct conv_pixel at = conv_place(w, 0, 0);
  for (int32_t left = w->out_h * w->out_w; left > 0; left -= PIXELS, out += PIXELS * w->out_c) {
    int8_t border[PIXELS * RGB_TAPS];
    conv_steps(&job, left, w->out_c);
    if (at.x + PIXELS <= w->out_w && conv_is_inside(w, &at, 2, 2 + (PIXELS - 1) * w->stride_w)) {
      m->expand_rgb(in + at.top * pitch + at.side * w->in_c, pitch, w->stride_w * w->in_c, inputs);
      at.x += PIXELS - 1;
      at = conv_next(w, &at);
    } else {
      for (int32_t n = 0; n < PIXELS; n++) {
        conv_gather(p, in, &at, border + n * RGB_TAPS);
        if (n + 1 == PIXELS || job.steps[n & 1]) {
          at = conv_next(w, &at);
        }
      }
      m->expand_rgb(border, RGB_ROW, RGB_TAPS, inputs);
    }
    job.out = out;
    conv_finish(m, p, &job, fewer(left, PIXELS));
  }
}

#endif // KERNELS_DSP_CONV_H
