// CONV_2D: inputs of four pixels at a time to a tile, which assembly multiplies.
#include <string.h>

#include "arithmetic.h"
#include "gather.h"
#include "memory.h"
#include "multiply.h"
#include "mve.h"

// Sets where the outputs of a group begin, seen from the first pixel. If fewer than four pixels are left, the last one
// stands for those that are missing.
static void set_next(struct multiply_job *job, int32_t pixels, int32_t channels) {
  for (int32_t n = 0; n < MVE_PIXELS; n++) {
    job->next[n] = least(n, pixels - 1) * channels;
  }
}

// Sets all fields of a job but `out`, for four pixels.
static void start(const struct alpharho_mve_conv *p, const int8_t *inputs, struct multiply_job *job) {
  alpharho_mve_multiply_job_set(job, p->packed, p->window.out_c, inputs, p->depth, p->zero_point,
                                has_negatives(p->zero_point, p->min));
  set_next(job, MVE_PIXELS, p->window.out_c);
}

static void limit_all(const struct alpharho_mve_conv *p, int8_t *out) {
  if (is_limited(p->min, p->max)) {
    alpharho_mve_limit(out, p->window.out_h * p->window.out_w * p->window.out_c, p->min, p->max);
  }
}

// Groups of four pixels with up to 16 taps each, side by side at `inputs`; of the last group `pixels`, the last of
// which is there again for those that are missing.
static void small_groups(const struct alpharho_mve_conv *p, struct multiply_job *job, int32_t groups, int32_t pixels,
                         const int8_t *inputs, int8_t *out) {
  const int32_t channels = p->window.out_c;
  if (pixels < MVE_PIXELS) {
    set_next(job, pixels, channels);
  }
  job->groups = groups;
  job->advance = MVE_PIXELS * channels - (channels + MVE_CHANNELS - 1) / MVE_CHANNELS * MVE_CHANNELS;
  job->inputs = inputs;
  job->out = out;
  (p->depth == MVE_HALF ? alpharho_mve_multiply_8 : alpharho_mve_multiply_16)(job);
}

// Pixels whose taps are not padded are multiplied where they are, others from copies in scratch.
static void small_pointwise(const struct alpharho_mve_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  const int32_t depth = p->window.in_c, channels = p->window.out_c;
  const int32_t most = depth == p->depth ? INT32_MAX : MVE_BLOCK / p->depth;
  int32_t pixels = p->window.out_h * p->window.out_w;
  struct multiply_job job;
  start(p, in, &job);
  while (pixels > 0) {
    const int32_t groups = pixels < MVE_PIXELS ? 1 : least(pixels / MVE_PIXELS, most);
    const int32_t count = least(pixels, groups * MVE_PIXELS);
    const int8_t *inputs = in;
    if (depth != p->depth || count < MVE_PIXELS) {
      const struct rows rows = {p->depth, depth, count, depth};
      alpharho_mve_copy_rows(scratch, in, &rows);
      for (int32_t n = count; n < MVE_PIXELS; n++) {
        alpharho_mve_copy(scratch + n * p->depth, in + (count - 1) * depth, depth);
      }
      inputs = scratch;
    }
    small_groups(p, &job, groups, least(count, MVE_PIXELS), inputs, out);
    pixels -= count;
    in += count * depth;
    out += count * channels;
  }
}

void alpharho_mve_pointwise(const struct alpharho_mve_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  if (p->depth <= MVE_BLOCK) {
    small_pointwise(p, in, out, scratch);
  } else {
    const int32_t depth = p->window.in_c, channels = p->window.out_c;
    struct multiply_job job;
    start(p, scratch, &job);
    int8_t *to = out;
    for (int32_t left = p->window.out_h * p->window.out_w; left > 0; left -= MVE_PIXELS) {
      const int32_t pixels = least(left, MVE_PIXELS);
      const int8_t *rows[MVE_PIXELS];
      set_rows(rows, in, pixels, depth);
      alpharho_mve_make_tile(rows, depth, scratch);
      if (pixels < MVE_PIXELS) {
        set_next(&job, pixels, channels);
      }
      job.out = to;
      alpharho_mve_multiply_tile(&job);
      in += MVE_PIXELS * depth;
      to += MVE_PIXELS * channels;
    }
  }
  limit_all(p, out);
}

void alpharho_mve_conv(const struct alpharho_mve_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  const struct alpharho_window *w = &p->window;
  const int32_t taps = w->kernel_h * w->kernel_w * w->in_c;
  // Inputs of four pixels one after the other; or the zero point, where inputs are tiled from where they are.
  int8_t *const gathered = scratch + ALPHARHO_MVE_TILE(p->depth), *to = out;
  const int is_tiled = w->in_c % MVE_BLOCK == 0 && p->depth > MVE_BLOCK;
  const int8_t *rows[MVE_PIXELS];
  set_rows(rows, gathered, MVE_PIXELS, p->depth);
  if (is_tiled) {
    alpharho_mve_fill(gathered, p->input_zero_point, w->in_c);
  }
  struct multiply_job job;
  start(p, scratch, &job);
  struct pixel at = {0, 0};
  for (int32_t left = w->out_h * w->out_w; left > 0; left -= MVE_PIXELS, to += MVE_PIXELS * w->out_c) {
    const int32_t pixels = least(left, MVE_PIXELS);
    if (is_tiled) {
      alpharho_mve_tile_windows(p, in, &at, gathered, scratch);
    } else {
      for (int32_t n = 0; n < MVE_PIXELS; n++, next_pixel(w, &at)) {
        alpharho_mve_gather(p, in, at, gathered + n * p->depth);
      }
      if (p->depth <= MVE_BLOCK) {
        small_groups(p, &job, 1, pixels, gathered, to);
        continue;
      }
      alpharho_mve_make_tile(rows, taps, scratch);
    }
    if (pixels < MVE_PIXELS) {
      set_next(&job, pixels, w->out_c);
    }
    job.out = to;
    alpharho_mve_multiply_tile(&job);
  }
  limit_all(p, out);
}

enum { RGB_SIDE = 3, RGB_ROW = MVE_RGB_ROW, RGB_TAPS = 27, RGB_DEPTH = 32, RGB_SPLIT = MVE_BLOCK - RGB_ROW };

// Copies the 27 taps of a pixel, three rows of 9 bytes `pitch` apart, to its two places in a tile: the last row and the
// end of the middle one; the first row and the rest of the middle one.
static void tile_pixel(const int8_t *from, int32_t pitch, int8_t *to) {
  const int8_t *const middle = from + pitch, *const last = middle + pitch;
  // NOLINTNEXTLINE(clang-analyzer-unix.cstring.UninitializedRead): it takes windows without rows into account
  memcpy(to, last, RGB_ROW);
  memcpy(to + RGB_ROW, middle + RGB_SPLIT, RGB_ROW - RGB_SPLIT);
  memcpy(to + MVE_PIXELS * MVE_BLOCK, from, RGB_ROW);
  memcpy(to + MVE_PIXELS * MVE_BLOCK + RGB_ROW, middle, RGB_SPLIT);
}

#ifndef KERNELS_MVE_ASSEMBLY

// C model of the assembly in tile.S.
void alpharho_mve_make_tile_rgb(const int8_t *from, int32_t pitch, int32_t step, int8_t *tile) {
  for (int32_t n = 0; n < MVE_PIXELS; n++) {
    tile_pixel(from + n * step, pitch, tile + n * MVE_BLOCK);
  }
}

#endif

// Tiles four pixels, from `at` on: all of them or, if `done`, only those that reach beyond the right
// side. If fewer than four pixels are left, the last one stands for those that are missing.
static void tile_border(const struct alpharho_mve_conv *p, const int8_t *in, struct pixel at, int done, int8_t *tile) {
  const struct alpharho_window *w = &p->window;
  for (int32_t n = 0; n < MVE_PIXELS; n++, next_pixel(w, &at)) {
    if (!done || at.x * w->stride_w - w->pad_left + RGB_SIDE > w->in_w) {
      int8_t taps[RGB_TAPS];
      alpharho_mve_gather(p, in, at, taps);
      tile_pixel(taps, RGB_ROW, tile + n * MVE_BLOCK);
    }
  }
}

// Whether all rows of four pixels are in the input, as are 16 bytes from the first tap of each row on. These bytes may
// belong to the next row of the input.
static int in_memory(const struct alpharho_window *w, int32_t top, int32_t left) {
  const int32_t last = (top + RGB_SIDE - 1) * w->in_w + left + (MVE_PIXELS - 1) * w->stride_w;
  return top >= 0 && top + RGB_SIDE <= w->in_h && left >= 0 &&
         last * w->in_c + MVE_BLOCK <= w->in_h * w->in_w * w->in_c;
}

void alpharho_mve_conv_rgb(const struct alpharho_mve_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  const struct alpharho_window *w = &p->window;
  const int32_t pitch = w->in_w * w->in_c, step = w->stride_w * w->in_c;
  struct multiply_job job;
  start(p, scratch, &job);
  // Five places of a pixel have no tap but weights of 0; no value may be uninitialized.
  alpharho_mve_fill(scratch, 0, ALPHARHO_MVE_TILE(RGB_DEPTH));
  int32_t x = 0, y = 0;
  for (int32_t i = 0; i < w->out_h * w->out_w; i += MVE_PIXELS) {
    const int32_t top = y * w->stride_h - w->pad_top, left = x * w->stride_w - w->pad_left;
    const int32_t pixels = least(w->out_h * w->out_w - i, MVE_PIXELS);
    const int fast = x + MVE_PIXELS <= w->out_w && in_memory(w, top, left);
    if (fast) {
      alpharho_mve_make_tile_rgb(in + top * pitch + left * w->in_c, pitch, step, scratch);
    }
    if (!fast || left + (MVE_PIXELS - 1) * w->stride_w + RGB_SIDE > w->in_w) {
      tile_border(p, in, (struct pixel){y, x}, fast, scratch);
    }
    if (pixels < MVE_PIXELS) {
      set_next(&job, pixels, w->out_c);
    }
    job.out = out + i * w->out_c;
    alpharho_mve_multiply_tile(&job);
    for (x += MVE_PIXELS; x >= w->out_w; x -= w->out_w) {
      y++;
    }
  }
  limit_all(p, out);
}
