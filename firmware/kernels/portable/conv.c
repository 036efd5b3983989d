#include "dot.h"
#include "portable.h"

// Where taps of a window are that lie side by side; `step` is 0 for padding.
struct taps {
  const int8_t *from;
  int32_t step;
};

// An output pixel, and the place of its window in the input.
struct pixel {
  int32_t y, x, top, left;
};

static void place(const struct alpharho_window *w, struct pixel *pixel) {
  pixel->top = pixel->y * w->stride_h - w->pad_top;
  pixel->left = pixel->x * w->stride_w - w->pad_left;
}

static void next(const struct alpharho_window *w, struct pixel *pixel) {
  if (++pixel->x == w->out_w) {
    pixel->x = 0;
    pixel->y++;
  }
  place(w, pixel);
}

// Whether all taps of a row are side by side in the input, too.
static int has_whole_rows(const struct alpharho_conv *p, const struct pixel *pixel) {
  const struct alpharho_window *w = &p->window;
  return p->groups == 1 && w->dilation_w == 1 && pixel->left >= 0 && pixel->left + w->kernel_w <= w->in_w;
}

// Taps of row `ky` from column `kx` and channel `channel` on.
static struct taps taps_at(const struct alpharho_conv *p, const int8_t *in, const struct pixel *pixel, int32_t ky,
                           int32_t kx, int32_t channel) {
  const struct alpharho_window *w = &p->window;
  const int32_t y = pixel->top + ky * w->dilation_h, x = pixel->left + kx * w->dilation_w;
  if (y < 0 || y >= w->in_h || x < 0 || x >= w->in_w) {
    return (struct taps){&p->input_zero_point, 0};
  }
  return (struct taps){in + (y * w->in_w + x) * w->in_c + channel, 1};
}

static uint32_t *join_inputs(const int8_t *a, const int8_t *b, int32_t size, uint32_t *to) {
  const uint32_t *const end = to + size;
  for (; end - to >= 4; to += 4, a += 4, b += 4) {
    to[0] = pair_of(a[0], b[0]);
    to[1] = pair_of(a[1], b[1]);
    to[2] = pair_of(a[2], b[2]);
    to[3] = pair_of(a[3], b[3]);
  }
  while (to != end) {
    *to++ = pair_of(*a++, *b++);
  }
  return to;
}

static uint32_t *join(struct taps a, struct taps b, int32_t size, uint32_t *to) {
  if (a.step && b.step) {
    return join_inputs(a.from, b.from, size, to);
  }
  for (const uint32_t *const end = to + size; to != end; a.from += a.step, b.from += b.step) {
    *to++ = pair_of(*a.from, *b.from);
  }
  return to;
}

// Copy the inputs of two output pixels, (kernel_h, kernel_w, depth), from channel `first` on, with the zero point for
// padding.
static void gather(const struct alpharho_conv *p, const int8_t *in, const struct pixel pixels[2], int32_t first,
                   int32_t depth, uint32_t *to) {
  const struct alpharho_window *w = &p->window;
  const int whole = has_whole_rows(p, &pixels[0]) && has_whole_rows(p, &pixels[1]);
  const int32_t columns = whole ? 1 : w->kernel_w, size = whole ? w->kernel_w * depth : depth;
  for (int32_t ky = 0; ky < w->kernel_h; ky++) {
    for (int32_t kx = 0; kx < columns; kx++) {
      const struct taps a = taps_at(p, in, &pixels[0], ky, kx, first);
      to = join(a, taps_at(p, in, &pixels[1], ky, kx, first), size, to);
    }
  }
}

// Compute `channels` channels from `first` on.
static void multiply(const struct alpharho_conv *p, struct pair_job *job, int32_t first, int32_t channels,
                     int8_t *out) {
  job->multiplier = p->requant.multiplier + first * job->step;
  job->shift = p->requant.shift + first * job->step;
  job->out = out + first;
  job->weights = p->weights + first * job->depth;
  job->bias = p->bias + first;
  job->channels = channels;
  alpharho_multiply_pairs(job);
}

// Whether the input of an output pixel is the pixel at the same place.
static int is_pointwise(const struct alpharho_conv *p) {
  const struct alpharho_window *w = &p->window;
  const int is_one = w->kernel_h * w->kernel_w * w->stride_h * w->stride_w * p->groups == 1;
  return is_one && w->in_w == w->out_w && w->pad_left == 0 && w->pad_top == 0;
}

static void pointwise(const struct alpharho_conv *p, struct pair_job *job, const int8_t *in, int8_t *out,
                      uint32_t *pairs) {
  const int32_t depth = job->depth, channels = p->window.out_c;
  for (int32_t left = p->window.out_h * p->window.out_w; left > 0; left -= 2, in += 2 * depth, out += 2 * channels) {
    job->pitch = left > 1 ? channels : 0;
    join_inputs(in, left > 1 ? in + depth : in, depth, pairs);
    multiply(p, job, 0, channels, out);
  }
}

void alpharho_conv(const struct alpharho_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  const struct alpharho_window *w = &p->window;
  uint32_t *const pairs = (void *)scratch;
  const int32_t in_c = quotient(w->in_c, p->groups), depth = w->kernel_h * w->kernel_w * in_c;
  const int32_t channels = quotient(w->out_c, p->groups);
  const int32_t count = w->out_h * w->out_w;
  struct pair_job job;
  set_job(&job, &p->requant, pairs, depth);
  job.plain = is_plain(&p->requant, p->bias, w->out_c, depth);
  if (is_pointwise(p)) {
    pointwise(p, &job, in, out, pairs);
    return;
  }
  struct pixel pixels[2] = {{0, 0, 0, 0}};
  place(w, &pixels[0]);
  for (int32_t i = 0; i < count; i += 2, out += 2 * w->out_c) {
    job.pitch = i + 1 < count ? w->out_c : 0;
    pixels[1] = pixels[0];
    if (job.pitch) {
      next(w, &pixels[1]);
    }
    for (int32_t g = 0; g < p->groups; g++) {
      gather(p, in, pixels, g * in_c, in_c, pairs);
      multiply(p, &job, g * channels, channels, out);
    }
    pixels[0] = pixels[1];
    next(w, &pixels[0]);
  }
}
