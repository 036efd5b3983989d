#include "fixed_point.h"
#include "portable.h"

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

void alpharho_average_pool(const struct alpharho_pool *p, const int8_t *in, int8_t *out) {
  const struct alpharho_window *w = &p->window;
  for (int32_t y = 0; y < w->out_h; y++) {
    const struct span rows = inside(y * w->stride_h - w->pad_top, w->kernel_h, w->in_h);
    for (int32_t x = 0; x < w->out_w; x++) {
      const struct span columns = inside(x * w->stride_w - w->pad_left, w->kernel_w, w->in_w);
      const int32_t count = (rows.last - rows.first) * (columns.last - columns.first);
      for (int32_t c = 0; c < w->in_c; c++) {
        const int32_t total = sum(w, in + c, rows, columns);
        const int32_t size = quotient((total > 0 ? total : -total) + count / 2, count);
        const int32_t mean = total > 0 ? size : -size;
        *out++ = (int8_t)clamp(mean, p->min, p->max);
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
