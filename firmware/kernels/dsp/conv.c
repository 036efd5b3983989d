#include <string.h>

#include "dsp.h"
#include "instructions.h"
#include "memory.h"
#include "multiply.h"

// Copy the inputs of one output pixel, (kernel_h, kernel_w, in_c), with the zero point for padding.
static void gather(const struct alpharho_dsp_conv *p, const int8_t *in, int32_t y, int32_t x, int8_t *to) {
  const struct alpharho_window *w = &p->window;
  const int32_t top = y * w->stride_h - w->pad_top, left = x * w->stride_w - w->pad_left;
  for (int32_t ky = 0; ky < w->kernel_h; ky++) {
    const int32_t in_y = top + ky * w->dilation_h;
    for (int32_t kx = 0; kx < w->kernel_w; kx++, to += w->in_c) {
      const int32_t in_x = left + kx * w->dilation_w;
      if (in_y < 0 || in_y >= w->in_h || in_x < 0 || in_x >= w->in_w) {
        memset(to, p->input_zero_point, (size_t)w->in_c);
      } else {
        memcpy(to, in + (in_y * w->in_w + in_x) * w->in_c, (size_t)w->in_c);
      }
    }
  }
}

// Pixel i + n, or the last pixel where there is none.
static int32_t nth(int32_t i, int32_t n, int32_t pixels) { return i + n < pixels ? i + n : pixels - 1; }

// Multiply the expanded inputs and store pixels from `i` on.
static void finish(const struct alpharho_dsp_conv *p, struct multiply_job *job, int32_t i, int8_t *out) {
  const int32_t pixels = p->window.out_h * p->window.out_w, channels = p->window.out_c;
  job->out = out + i * channels;
  for (int32_t n = 1; n < PIXELS; n++) {
    job->next[n - 1] = (nth(i, n, pixels) - i) * channels;
  }
  alpharho_dsp_multiply_pixels(job);
  if (p->min > INT8_MIN || p->max < INT8_MAX) {
    alpharho_dsp_limit(job->out, job->next[2] + channels, p->min, p->max);
  }
}

void alpharho_dsp_pointwise(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  const int32_t depth = p->window.in_c, pixels = p->window.out_h * p->window.out_w;
  struct multiply_job job;
  struct expand_job expand = {.to = (void *)scratch, .end = (uint32_t *)(void *)scratch + depth * PIXELS / 2};
  alpharho_dsp_multiply_job_set(&job, p->packed, p->window.out_c, expand.to, p->depth, p->zero_point);
  for (int32_t i = 0; i < pixels; i += PIXELS) {
    for (int32_t n = 0; n < PIXELS; n++) {
      expand.rows[n] = in + nth(i, n, pixels) * depth;
    }
    alpharho_dsp_expand_pixels(&expand);
    finish(p, &job, i, out);
  }
}

void alpharho_dsp_conv(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  const struct alpharho_window *w = &p->window;
  const int32_t pixels = w->out_h * w->out_w;
  struct multiply_job job;
  struct expand_job expand = {.to = (void *)scratch, .end = (uint32_t *)(void *)scratch + p->depth * PIXELS / 2};
  int8_t *const gathered = scratch + p->depth * PIXELS * 2;
  alpharho_dsp_multiply_job_set(&job, p->packed, w->out_c, expand.to, p->depth, p->zero_point);
  for (int32_t i = 0; i < pixels; i += PIXELS) {
    for (int32_t n = 0; n < PIXELS; n++) {
      const int32_t pixel = nth(i, n, pixels);
      gather(p, in, pixel / w->out_w, pixel % w->out_w, gathered + n * p->depth);
      expand.rows[n] = gathered + n * p->depth;
    }
    alpharho_dsp_expand_pixels(&expand);
    finish(p, &job, i, out);
  }
}

enum { RGB_ROW = 9, RGB_TAPS = 27 };

// Expand the 27 taps of pixel `n`: three rows of 9 bytes, `pitch` apart. First 8 bytes of each row, then the ninth of
// each.
static inline void expand_rgb(const int8_t *from, int32_t pitch, uint32_t *to) {
  const int8_t *row = from;
  for (int32_t ky = 0; ky < 3; ky++, row += pitch, to += 2 * BLOCK_WORDS) {
    const uint32_t first = load_word(row), second = load_word(row + 4);
    to[0] = expand_even(first);
    to[PIXELS] = expand_odd(first);
    to[BLOCK_WORDS] = expand_even(second);
    to[BLOCK_WORDS + PIXELS] = expand_odd(second);
  }
  const int8_t *last = from + RGB_ROW - 1;
  to[0] = ((uint32_t)last[0] & 0xffffu) | (uint32_t)last[2 * pitch] << 16;
  to[PIXELS] = (uint32_t)last[pitch] & 0xffffu;
}

void alpharho_dsp_conv_rgb(const struct alpharho_dsp_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  const struct alpharho_window *w = &p->window;
  const int32_t pixels = w->out_h * w->out_w, pitch = w->in_w * w->in_c;
  uint32_t *const inputs = (void *)scratch;
  struct multiply_job job;
  alpharho_dsp_multiply_job_set(&job, p->packed, w->out_c, inputs, p->depth, p->zero_point);
  // The last unit has more taps than the window; their weights are 0, but their inputs must be initialized.
  memset(inputs, 0, (size_t)p->depth * PIXELS * 2);
  int32_t x = 0, y = 0;
  for (int32_t i = 0; i < pixels; i += PIXELS) {
    for (int32_t n = 0; n < PIXELS; n++) {
      const int32_t top = y * w->stride_h - w->pad_top, left = x * w->stride_w - w->pad_left;
      if (top >= 0 && left >= 0 && top + 3 <= w->in_h && left + 3 <= w->in_w) {
        expand_rgb(in + top * pitch + left * w->in_c, pitch, inputs + n);
      } else {
        int8_t border[RGB_TAPS];
        gather(p, in, y, x, border);
        expand_rgb(border, RGB_ROW, inputs + n);
      }
      // Fewer than four pixels are left: the last one is computed again.
      if (i + n + 1 < pixels && ++x == w->out_w) {
        x = 0;
        y++;
      }
    }
    finish(p, &job, i, out);
  }
}
