#include <string.h>

#include "layout.h"
#include "multiply.h"
#include "rv32.h"

// Where taps of a window are that lie side by side; `step` is 0 for padding.
struct taps {
  const int8_t *from;
  int32_t step;
};

// Where the window of an output pixel begins.
struct corner {
  int32_t y, x;
};

static struct corner corner_of(const struct alpharho_window *w, int32_t pixel) {
  const int32_t y = pixel / w->out_w, x = pixel - y * w->out_w;
  return (struct corner){y * w->stride_h - w->pad_top, x * w->stride_w - w->pad_left};
}

static uint32_t *join_one(const int8_t *a, const int8_t *b, const int8_t *c, const int8_t *d, uint32_t *to) {
  to[0] = pair_of(*a, *b);
  to[1] = pair_of(*c, *d);
  return to + 2;
}

// Put `size` taps of four pixels into words. Four taps at a time, so that pointers move less often.
static uint32_t *join_inputs(const int8_t *const from[PIXELS], int32_t size, uint32_t *to) {
  const int8_t *a = from[0], *b = from[1], *c = from[2], *d = from[3];
  const int8_t *const end = a + size;
  for (; end - a >= 4; a += 4, b += 4, c += 4, d += 4) {
    to = join_one(a, b, c, d, to);
    to = join_one(a + 1, b + 1, c + 1, d + 1, to);
    to = join_one(a + 2, b + 2, c + 2, d + 2, to);
    to = join_one(a + 3, b + 3, c + 3, d + 3, to);
  }
  for (; a != end; a++, b++, c++, d++) {
    to = join_one(a, b, c, d, to);
  }
  return to;
}

static uint32_t *join(const struct taps taps[PIXELS], int32_t size, uint32_t *to) {
  const int8_t *from[PIXELS] = {taps[0].from, taps[1].from, taps[2].from, taps[3].from};
  if (taps[0].step && taps[1].step && taps[2].step && taps[3].step) {
    return join_inputs(from, size, to);
  }
  for (int32_t i = 0; i < size; i++) {
    to = join_one(from[0], from[1], from[2], from[3], to);
    for (int32_t j = 0; j < PIXELS; j++) {
      from[j] += taps[j].step;
    }
  }
  return to;
}

static struct taps taps_at(const struct alpharho_rv32_conv *p, const int8_t *in, int32_t y, int32_t x) {
  const struct alpharho_window *w = &p->window;
  if (y < 0 || y >= w->in_h || x < 0 || x >= w->in_w) {
    return (struct taps){&p->input_zero_point, 0};
  }
  return (struct taps){in + (y * w->in_w + x) * w->in_c, 1};
}

static int is_inside(const struct alpharho_window *w, struct corner at) {
  return at.y >= 0 && at.y + (w->kernel_h - 1) * w->dilation_h < w->in_h && at.x >= 0 &&
         at.x + (w->kernel_w - 1) * w->dilation_w < w->in_w;
}

// Windows without padding, whose rows of taps are side by side in the input, too.
static void join_rows(const struct alpharho_window *w, const int8_t *in, const struct corner at[PIXELS], uint32_t *to) {
  const int8_t *from[PIXELS];
  const int32_t pitch = w->in_w * w->in_c;
  for (int32_t i = 0; i < PIXELS; i++) {
    from[i] = in + at[i].y * pitch + at[i].x * w->in_c;
  }
  for (int32_t ky = 0; ky < w->kernel_h; ky++) {
    to = join_inputs(from, w->kernel_w * w->in_c, to);
    for (int32_t i = 0; i < PIXELS; i++) {
      from[i] += w->dilation_h * pitch;
    }
  }
}

// Copy the inputs of four output pixels, (kernel_h, kernel_w, in_c), with the zero point for padding.
static void gather(const struct alpharho_rv32_conv *p, const int8_t *in, const struct corner at[PIXELS], uint32_t *to) {
  const struct alpharho_window *w = &p->window;
  const int inside = is_inside(w, at[0]) && is_inside(w, at[1]) && is_inside(w, at[2]) && is_inside(w, at[3]);
  if (inside && w->dilation_w == 1) {
    join_rows(w, in, at, to);
    return;
  }
  for (int32_t ky = 0; ky < w->kernel_h; ky++) {
    for (int32_t kx = 0; kx < w->kernel_w; kx++) {
      struct taps taps[PIXELS];
      for (int32_t i = 0; i < PIXELS; i++) {
        taps[i] = taps_at(p, in, at[i].y + ky * w->dilation_h, at[i].x + kx * w->dilation_w);
      }
      to = join(taps, w->in_c, to);
    }
  }
}

// All channels of the pixels whose pairs are in the job, the first of them at `out`.
static void multiply(struct multiply_job *job, const struct alpharho_rv32_conv *p, int32_t pixels, int8_t *out) {
  const int32_t channels = p->window.out_c, whole = channels / CHANNELS, left = channels - whole * CHANNELS;
  // Those that are missing are computed as the last one is, and take its place.
  for (int32_t i = 1; i < PIXELS; i++) {
    job->pitch[i - 1] = (i < pixels ? i : pixels - 1) * channels;
  }
  job->packed = p->packed;
  job->out = out;
  job->groups = whole;
  if (whole > 0) {
    alpharho_rv32_multiply(job);
  }
  if (left > 0) {
    int8_t last[PIXELS * CHANNELS];
    for (int32_t i = 1; i < PIXELS; i++) {
      job->pitch[i - 1] = i * CHANNELS;
    }
    job->out = last;
    job->groups = 1;
    alpharho_rv32_multiply(job);
    for (int32_t i = 0; i < pixels; i++) {
      memcpy(out + i * channels + whole * CHANNELS, last + i * CHANNELS, (size_t)left);
    }
  }
}

void alpharho_rv32_conv(const struct alpharho_rv32_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  const struct alpharho_window *w = &p->window;
  const int32_t count = w->out_h * w->out_w;
  const int is_one = w->kernel_h * w->kernel_w * w->stride_h * w->stride_w == 1;
  const int is_pointwise = is_one && w->in_w == w->out_w && w->pad_left == 0 && w->pad_top == 0;
  uint32_t *const pairs = (void *)scratch;
  struct multiply_job job = {.pairs = pairs, .end = pairs + 2 * p->depth, .lanes = p->depth / 2 * LANE_BIAS};
  job.rounding = 2 * p->zero_point + 1;
  job.min = p->min;
  job.max = p->max;
  job.negatives = p->zero_point > p->min;
  for (int32_t i = 0; i < count; i += PIXELS, out += PIXELS * w->out_c) {
    const int32_t pixels = count - i < PIXELS ? count - i : PIXELS;
    if (is_pointwise) {
      const int8_t *from[PIXELS];
      for (int32_t j = 0; j < PIXELS; j++) {
        from[j] = in + (i + (j < pixels ? j : pixels - 1)) * w->in_c;
      }
      (void)join_inputs(from, w->in_c, pairs);
    } else {
      struct corner at[PIXELS];
      for (int32_t j = 0; j < PIXELS; j++) {
        at[j] = corner_of(w, i + (j < pixels ? j : pixels - 1));
      }
      gather(p, in, at, pairs);
    }
    multiply(&job, p, pixels, out);
  }
}
