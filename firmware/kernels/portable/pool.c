#include <string.h>

#include "fixed_point.h"
#include "portable.h"

enum { CHANNELS = 4 }; // of a word

// The part of a window of `size` starting at `origin` that is within [0, end).
struct span {
  int32_t first, last;
};

static struct span inside(int32_t origin, int32_t size, int32_t end) {
  const struct span s = {origin < 0 ? 0 : origin, origin + size < end ? origin + size : end};
  return s;
}

static int32_t sum(const struct alpharho_window *w, const int8_t *in, struct span rows, struct span columns) {
  int32_t total = 0;
  for (int32_t y = rows.first; y < rows.last; y++) {
    const int8_t *from = in + (y * w->in_w + columns.first) * w->in_c;
    for (int32_t x = columns.first; x < columns.last; x++, from += w->in_c) {
      total += *from;
    }
  }
  return total;
}

// Add the bytes of four channels, plus 128 in two words of 16-bit halves, which hold MOST of them.
static void add_four(const int8_t *in, int32_t pixels, int32_t pitch, int32_t *totals) {
  enum { MOST = 256 };
  for (int32_t left = pixels; left > 0; left -= MOST) {
    const int32_t count = left < MOST ? left : MOST;
    uint32_t even = 0, odd = 0;
    for (const int8_t *const end = in + count * pitch; in != end; in += pitch) {
      uint32_t four;
      memcpy(&four, __builtin_assume_aligned(in, sizeof four), sizeof four);
      four ^= 0x80808080u;
      even += four & 0x00ff00ffu;
      odd += four >> 8 & 0x00ff00ffu;
    }
    const uint32_t sums[CHANNELS] = {even & 0xffffu, odd & 0xffffu, even >> 16, odd >> 16};
    for (int32_t c = 0; c < CHANNELS; c++) {
      totals[c] += (int32_t)sums[c] + INT8_MIN * count;
    }
  }
}

static void sum_four(const struct alpharho_window *w, const int8_t *in, struct span rows, struct span columns,
                     int32_t *totals) {
  const int32_t width = columns.last - columns.first, height = rows.last - rows.first, row = w->in_w * w->in_c;
  const int8_t *from = in + rows.first * row + columns.first * w->in_c;
  if (width == w->in_w) { // rows are side by side
    add_four(from, height * width, w->in_c, totals);
    return;
  }
  for (int32_t y = 0; y < height; y++, from += row) {
    add_four(from, width, w->in_c, totals);
  }
}

static int32_t largest(const struct alpharho_window *w, const int8_t *in, struct span rows, struct span columns) {
  int32_t most = INT8_MIN;
  for (int32_t y = rows.first; y < rows.last; y++) {
    const int8_t *from = in + (y * w->in_w + columns.first) * w->in_c;
    for (int32_t x = columns.first; x < columns.last; x++, from += w->in_c) {
      most = *from > most ? *from : most;
    }
  }
  return most;
}

// To the nearest, halves away from zero.
static int32_t mean_of(int32_t total, int32_t count) {
  const int32_t size = quotient((total > 0 ? total : -total) + count / 2, count);
  return total > 0 ? size : -size;
}

void alpharho_average_pool(const struct alpharho_pool *p, const int8_t *in, int8_t *out) {
  const struct alpharho_window *w = &p->window;
  const int are_words = w->in_c % CHANNELS == 0 && (uintptr_t)in % sizeof(uint32_t) == 0;
  const int32_t at_once = are_words ? CHANNELS : 1;
  for (int32_t y = 0; y < w->out_h; y++) {
    const struct span rows = inside(y * w->stride_h - w->pad_top, w->kernel_h, w->in_h);
    for (int32_t x = 0; x < w->out_w; x++) {
      const struct span columns = inside(x * w->stride_w - w->pad_left, w->kernel_w, w->in_w);
      const int32_t count = (rows.last - rows.first) * (columns.last - columns.first);
      for (int32_t c = 0; c < w->in_c; c += at_once) {
        int32_t totals[CHANNELS] = {0};
        if (at_once == CHANNELS) {
          sum_four(w, in + c, rows, columns, totals);
        } else {
          totals[0] = sum(w, in + c, rows, columns);
        }
        for (int32_t i = 0; i < at_once; i++) {
          *out++ = (int8_t)clamp(mean_of(totals[i], count), p->min, p->max);
        }
      }
    }
  }
}

void alpharho_max_pool(const struct alpharho_pool *p, const int8_t *in, int8_t *out) {
  const struct alpharho_window *w = &p->window;
  for (int32_t y = 0; y < w->out_h; y++) {
    const struct span rows = inside(y * w->stride_h - w->pad_top, w->kernel_h, w->in_h);
    for (int32_t x = 0; x < w->out_w; x++) {
      const struct span columns = inside(x * w->stride_w - w->pad_left, w->kernel_w, w->in_w);
      for (int32_t c = 0; c < w->in_c; c++) {
        *out++ = (int8_t)clamp(largest(w, in + c, rows, columns), p->min, p->max);
      }
    }
  }
}
