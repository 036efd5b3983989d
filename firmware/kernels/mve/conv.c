#include <string.h>

#include "instructions.h"
#include "memory.h"
#include "multiply.h"
#include "mve.h"

// Copy the taps of one row of the kernel, (kernel_w, in_c), with the zero point for padding. `row` is NULL outside.
static void gather_row(const struct alpharho_mve_conv *p, const int8_t *row, int32_t left, int8_t *to) {
  const struct alpharho_window *w = &p->window;
  const int32_t c = w->in_c;
  if (!row) {
    fill_bytes(to, p->input_zero_point, w->kernel_w * c);
  } else if (w->dilation_w == 1) {
    const int32_t before = clamp(-left, 0, w->kernel_w), until = clamp(w->in_w - left, before, w->kernel_w);
    fill_bytes(to, p->input_zero_point, before * c);
    copy_bytes(to + before * c, row + (left + before) * c, (until - before) * c);
    fill_bytes(to + until * c, p->input_zero_point, (w->kernel_w - until) * c);
  } else {
    for (int32_t x = left; x < left + w->kernel_w * w->dilation_w; x += w->dilation_w, to += c) {
      if (x < 0 || x >= w->in_w) {
        fill_bytes(to, p->input_zero_point, c);
      } else {
        copy_bytes(to, row + x * c, c);
      }
    }
  }
}

// Copy the inputs of one output pixel, (kernel_h, kernel_w, in_c), with the zero point for padding.
static void gather(const struct alpharho_mve_conv *p, const int8_t *in, int32_t y, int32_t x, int8_t *to) {
  const struct alpharho_window *w = &p->window;
  const int32_t left = x * w->stride_w - w->pad_left;
  int32_t in_y = y * w->stride_h - w->pad_top;
  for (int32_t ky = 0; ky < w->kernel_h; ky++, in_y += w->dilation_h, to += w->kernel_w * w->in_c) {
    gather_row(p, in_y < 0 || in_y >= w->in_h ? NULL : in + in_y * w->in_w * w->in_c, left, to);
  }
}

// Where four pixels' outputs begin, from the first: what is after the last is the last again.
static void set_next(struct multiply_job *job, int32_t pixels, int32_t channels) {
  for (int32_t n = 0; n < PIXELS; n++) {
    job->next[n] = least(n, pixels - 1) * channels;
  }
}

// Multiply one group of inputs, `pixels` of its four, with `of_group`. Assembly stores words: channels that are no
// multiple of four go through a buffer, four by four.
static void finish(const struct alpharho_mve_conv *p, struct multiply_job *job, int32_t pixels,
                   void (*of_group)(const struct multiply_job *), int8_t *out) {
  const int32_t channels = p->window.out_c;
  if (channels % CHANNELS == 0) {
    job->out = out;
    of_group(job);
    return;
  }
  const int8_t *const first = job->packed, *const end = job->packed_end;
  _Alignas(4) int8_t words[PIXELS * CHANNELS];
  job->out = words;
  for (int32_t n = 0; n < PIXELS; n++) {
    job->next[n] = n * CHANNELS;
  }
  for (int32_t c = 0; c < channels; c += CHANNELS, job->packed = job->packed_end) {
    job->packed_end = job->packed + CHANNELS * (job->depth + 3 * 4);
    of_group(job);
    for (int32_t n = 0; n < pixels; n++) {
      memcpy(out + n * channels + c, words + n * CHANNELS, (size_t)least(channels - c, CHANNELS));
    }
  }
  job->packed = first;
  job->packed_end = end;
}

static void start(const struct alpharho_mve_conv *p, const int8_t *inputs, struct multiply_job *job) {
  multiply_job_set(job, p->packed, (p->window.out_c + CHANNELS - 1) / CHANNELS * CHANNELS, inputs, p->depth,
                   p->zero_point);
  set_next(job, PIXELS, p->window.out_c);
}

static void limit_all(const struct alpharho_mve_conv *p, int8_t *out) {
  if (p->min > INT8_MIN || p->max < INT8_MAX) {
    limit(out, p->window.out_h * p->window.out_w * p->window.out_c, p->min, p->max);
  }
}

// Up to 16 taps: no tile is needed. `rows` are of whole pixels.
static void small_group(const struct alpharho_mve_conv *p, struct multiply_job *job, const int8_t *const rows[PIXELS],
                        int32_t taps, int32_t pixels, int8_t *to, int8_t *out) {
  for (int32_t n = 0; n < PIXELS; n++) {
    copy_bytes(to + n * p->depth, rows[n], taps);
  }
  job->inputs = to;
  set_next(job, pixels, p->window.out_c);
  finish(p, job, pixels, p->depth == HALF ? multiply_8 : multiply_16, out);
}

static void set_rows(const int8_t *rows[PIXELS], const int8_t *first, int32_t pixels, int32_t pitch) {
  for (int32_t n = 0; n < PIXELS; n++) {
    rows[n] = first + least(n, pixels - 1) * pitch;
  }
}

static void small_pointwise(const struct alpharho_mve_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  const int32_t depth = p->window.in_c, channels = p->window.out_c;
  int32_t pixels = p->window.out_h * p->window.out_w;
  struct multiply_job job;
  start(p, in, &job);
  if (depth == p->depth && channels % CHANNELS == 0 && pixels >= PIXELS) {
    job.groups = pixels / PIXELS;
    job.advance = (PIXELS - 1) * channels;
    job.out = out;
    (depth == HALF ? multiply_8 : multiply_16)(&job);
    in += job.groups * PIXELS * depth;
    out += job.groups * PIXELS * channels;
    pixels %= PIXELS;
    job.groups = 1;
  }
  for (; pixels > 0; pixels -= PIXELS, in += PIXELS * depth, out += PIXELS * channels) {
    const int8_t *rows[PIXELS];
    set_rows(rows, in, pixels, depth);
    small_group(p, &job, rows, depth, least(pixels, PIXELS), scratch, out);
  }
}

void alpharho_mve_pointwise(const struct alpharho_mve_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  if (p->depth <= BLOCK) {
    small_pointwise(p, in, out, scratch);
  } else {
    const int32_t depth = p->window.in_c, channels = p->window.out_c;
    struct multiply_job job;
    start(p, scratch, &job);
    int8_t *to = out;
    for (int32_t left = p->window.out_h * p->window.out_w; left > 0; left -= PIXELS) {
      const int32_t pixels = least(left, PIXELS);
      const int8_t *rows[PIXELS];
      set_rows(rows, in, pixels, depth);
      make_tile(rows, depth, scratch);
      if (pixels < PIXELS) {
        set_next(&job, pixels, channels);
      }
      finish(p, &job, pixels, multiply_tile, to);
      in += PIXELS * depth;
      to += PIXELS * channels;
    }
  }
  limit_all(p, out);
}

void alpharho_mve_conv(const struct alpharho_mve_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  const struct alpharho_window *w = &p->window;
  const int32_t taps = w->kernel_h * w->kernel_w * w->in_c, all = w->out_h * w->out_w;
  int8_t *const gathered = scratch + KERNEL_MVE_TILE(p->depth);
  struct multiply_job job;
  start(p, scratch, &job);
  for (int32_t i = 0; i < all; i += PIXELS) {
    const int32_t pixels = least(all - i, PIXELS);
    const int8_t *rows[PIXELS];
    set_rows(rows, gathered, pixels, p->depth);
    for (int32_t n = 0; n < pixels; n++) {
      gather(p, in, (i + n) / w->out_w, (i + n) % w->out_w, gathered + n * p->depth);
    }
    if (p->depth <= BLOCK) {
      small_group(p, &job, rows, taps, pixels, scratch, out + i * w->out_c);
      continue;
    }
    make_tile(rows, taps, scratch);
    set_next(&job, pixels, w->out_c);
    finish(p, &job, pixels, multiply_tile, out + i * w->out_c);
  }
  limit_all(p, out);
}

enum { RGB_SIDE = 3, RGB_ROW = 9, RGB_TAPS = 27, RGB_DEPTH = 32, RGB_SPLIT = BLOCK - RGB_ROW };

// Bring the 27 taps of a pixel, three rows of 9 bytes `pitch` apart, into its two places in a tile: the last row and
// the end of the middle one, the first row and the rest of the middle one.
static void tile_pixel(const int8_t *from, int32_t pitch, int8_t *to) {
  const int8_t *const middle = from + pitch, *const last = middle + pitch;
  memcpy(to, last, RGB_ROW);
  memcpy(to + RGB_ROW, middle + RGB_SPLIT, RGB_ROW - RGB_SPLIT);
  memcpy(to + PIXELS * BLOCK, from, RGB_ROW);
  memcpy(to + PIXELS * BLOCK + RGB_ROW, middle, RGB_SPLIT);
}

// The same of four pixels, `step` bytes apart. Vectors take more of a row than its taps: what they leave in the place
// of the pixel behind, that one writes over.
static inline void tile_pixels(const int8_t *from, int32_t pitch, int32_t step, int8_t *to) {
#ifdef KERNELS_MVE_ASSEMBLY
  const int8_t *middle = from + pitch, *last = middle + pitch;
  int32_t two;
  __asm__ volatile("dls lr, %[pixels] \n"
                   "1: vldrb.8 q0, [%[last]] \n"
                   "ldrh %[two], [%[middle], #7] \n"
                   "vldrb.8 q1, [%[first]] \n"
                   "vldrb.8 q2, [%[middle]] \n"
                   "vstrb.8 q1, [%[to], #64] \n"
                   "vstrb.8 q2, [%[to], #73] \n"
                   "vstrb.8 q0, [%[to]], #16 \n"
                   "strh %[two], [%[to], #-7] \n"
                   "add %[first], %[step] \n"
                   "add %[middle], %[step] \n"
                   "add %[last], %[step] \n"
                   "le lr, 1b \n"
                   : [two] "=&r"(two), [first] "+r"(from), [middle] "+r"(middle), [last] "+r"(last), [to] "+r"(to)
                   : [step] "r"(step), [pixels] "r"(PIXELS)
                   : "q0", "q1", "q2", "lr", "memory");
#else
  for (int32_t n = 0; n < PIXELS; n++) {
    tile_pixel(from + n * step, pitch, to + n * BLOCK);
  }
#endif
}

// Tile four pixels from the one at row y and column x on, the last of all again where they are not four: those that
// reach beyond the right side, or all if none is `done`.
static void tile_border(const struct alpharho_mve_conv *p, const int8_t *in, int32_t y, int32_t x, int done,
                        int8_t *tile) {
  const struct alpharho_window *w = &p->window;
  for (int32_t n = 0; n < PIXELS; n++) {
    if (!done || x * w->stride_w - w->pad_left + RGB_SIDE > w->in_w) {
      int8_t taps[RGB_TAPS];
      gather(p, in, y, x, taps);
      tile_pixel(taps, RGB_ROW, tile + n * BLOCK);
    }
    if (x + 1 < w->out_w) {
      x++;
    } else if (y + 1 < w->out_h) {
      x = 0;
      y++;
    }
  }
}

// Whether all taps of four pixels' rows are in the input, and 16 bytes from the first of each, too. It does not matter
// if they are those of the next row of the input.
static int in_memory(const struct alpharho_window *w, int32_t top, int32_t left) {
  const int32_t last = (top + RGB_SIDE - 1) * w->in_w + left + (PIXELS - 1) * w->stride_w;
  return top >= 0 && top + RGB_SIDE <= w->in_h && left >= 0 && last * w->in_c + BLOCK <= w->in_h * w->in_w * w->in_c;
}

void alpharho_mve_conv_rgb(const struct alpharho_mve_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  const struct alpharho_window *w = &p->window;
  const int32_t pitch = w->in_w * w->in_c, step = w->stride_w * w->in_c;
  struct multiply_job job;
  start(p, scratch, &job);
  // What lies beyond the taps meets weights of 0, but must be some number.
  fill_bytes(scratch, 0, KERNEL_MVE_TILE(RGB_DEPTH));
  int32_t x = 0, y = 0;
  for (int32_t i = 0; i < w->out_h * w->out_w; i += PIXELS) {
    const int32_t top = y * w->stride_h - w->pad_top, left = x * w->stride_w - w->pad_left;
    const int32_t pixels = least(w->out_h * w->out_w - i, PIXELS);
    const int fast = x + PIXELS <= w->out_w && in_memory(w, top, left);
    if (fast) {
      tile_pixels(in + top * pitch + left * w->in_c, pitch, step, scratch);
    }
    if (!fast || left + (PIXELS - 1) * w->stride_w + RGB_SIDE > w->in_w) {
      tile_border(p, in, y, x, fast, scratch);
    }
    if (pixels < PIXELS) {
      set_next(&job, pixels, w->out_c);
    }
    finish(p, &job, pixels, multiply_tile, out + i * w->out_c);
    for (x += PIXELS; x >= w->out_w; x -= w->out_w) {
      y++;
    }
  }
  limit_all(p, out);
}
