// The inputs of windows, with padding: of a pixel in order, or of four pixels as a tile.
#include "gather.h"

#include <string.h>

#include "arithmetic.h"
#include "memory.h"

// The first of taps `dilation` apart, tap 0 being at `from`, that is not before 0.
static int32_t first_inside(int32_t from, int32_t dilation) {
  if (from >= 0) {
    return 0;
  }
  return dilation == 1 ? -from : (dilation - 1 - from) / dilation;
}

void alpharho_mve_gather(const struct alpharho_mve_conv *p, const int8_t *in, struct pixel at, int8_t *to) {
  const struct alpharho_window *w = &p->window;
  const int32_t c = w->in_c, row = w->kernel_w * c, pitch = w->in_w * c;
  const int32_t top = at.y * w->stride_h - w->pad_top, left = at.x * w->stride_w - w->pad_left;
  const int32_t bottom = top + (w->kernel_h - 1) * w->dilation_h, right = left + (w->kernel_w - 1) * w->dilation_w;
  // The taps that are inside of the input.
  int32_t first_y = 0, end_y = w->kernel_h, first_x = 0, end_x = w->kernel_w;
  if (top < 0 || left < 0 || bottom >= w->in_h || right >= w->in_w) {
    alpharho_mve_fill(to, p->input_zero_point, w->kernel_h * row);
    first_y = first_inside(top, w->dilation_h);
    end_y = least(end_y, first_inside(top - w->in_h, w->dilation_h));
    first_x = first_inside(left, w->dilation_w);
    end_x = least(end_x, first_inside(left - w->in_w, w->dilation_w));
    if (first_y >= end_y || first_x >= end_x) {
      return;
    }
  }
  to += first_y * row + first_x * c;
  in += (top + first_y * w->dilation_h) * pitch + (left + first_x * w->dilation_w) * c;
  struct rows rows = {row, w->dilation_h * pitch, end_y - first_y, (end_x - first_x) * c};
  if (w->dilation_w == 1) {
    alpharho_mve_copy_rows(to, in, &rows);
    return;
  }
  rows.bytes = c;
  for (int32_t kx = first_x; kx < end_x; kx++, to += c, in += w->dilation_w * c) {
    alpharho_mve_copy_rows(to, in, &rows);
  }
}

// The first tap of a window.
struct corner {
  int32_t top, left;
};

// Tap by tap, each vector with taps of one input pixel: for all windows.
static void tile_by_tap(const struct alpharho_mve_conv *p, const int8_t *in, const struct corner at[MVE_PIXELS],
                        const int8_t *zero, int8_t *tile) {
  const struct alpharho_window *w = &p->window;
  const int32_t c = w->in_c;
  for (int32_t ky = 0; ky < w->kernel_h; ky++) {
    for (int32_t kx = 0; kx < w->kernel_w; kx++, tile += MVE_PIXELS * c) {
      const int8_t *rows[MVE_PIXELS];
      for (int32_t n = 0; n < MVE_PIXELS; n++) {
        const int32_t y = at[n].top + ky * w->dilation_h, x = at[n].left + kx * w->dilation_w;
        // As numbers without a sign, those below zero are above all others.
        const int is_inside = (uint32_t)y < (uint32_t)w->in_h && (uint32_t)x < (uint32_t)w->in_w;
        rows[n] = is_inside ? in + (y * w->in_w + x) * c : zero;
      }
      alpharho_mve_make_tile(rows, c, tile);
    }
  }
}

// Sets `count` rows of taps of a pixel, of which some are beyond the input. The first tap of a row is in column `left`.
static void pad_pixel(const struct alpharho_window *w, int32_t left, int32_t count, const int8_t *zero,
                      const int8_t *row_of_input, int8_t *tile) {
  const int32_t row = w->kernel_w * w->in_c * MVE_PIXELS, pitch = w->dilation_h * w->in_w * w->in_c;
  for (int32_t kx = 0; kx < w->kernel_w; kx++, left++, tile += MVE_PIXELS * w->in_c) {
    const int is_inside = left >= 0 && left < w->in_w;
    for (int32_t k = 0; k < w->in_c; k += MVE_BLOCK) {
      int8_t *to = tile + k * MVE_PIXELS;
      const int8_t *taps = is_inside ? row_of_input + left * w->in_c + k : zero;
      for (int32_t i = 0; i < count; i++, to += row, taps += is_inside ? pitch : 0) {
        memcpy(to, taps, MVE_BLOCK);
      }
    }
  }
}

// Row by row: four pixels side by side, the first of them at `at`. Those that are not in their row of the input are
// tiled from where all taps are in memory, then padded.
static void tile_by_row(const struct alpharho_mve_conv *p, const int8_t *in, struct corner at, const int8_t *zero,
                        int8_t *tile) {
  const struct alpharho_window *w = &p->window;
  const int32_t c = w->in_c, taps = w->kernel_w * c, pitch = w->in_w * c;
  int32_t first = 0, end = w->kernel_h;
  if (at.top < 0 || at.top + (w->kernel_h - 1) * w->dilation_h >= w->in_h) {
    first = first_inside(at.top, w->dilation_h);
    end = least(end, first_inside(at.top - w->in_h, w->dilation_h));
    alpharho_mve_fill(tile, p->input_zero_point, w->kernel_h * taps * MVE_PIXELS);
    if (first >= end) {
      return;
    }
    tile += first * taps * MVE_PIXELS;
  }
  const int8_t *const row = in + (at.top + first * w->dilation_h) * pitch;
  const int32_t most = w->in_w - w->kernel_w;
  struct tile_rows rows = {.advance = w->dilation_h * pitch - taps, .count = end - first, .blocks = taps / MVE_BLOCK};
  for (int32_t n = 0, left = at.left; n < MVE_PIXELS; n++, left += w->stride_w) {
    rows.first[n] = row + clamp(left, 0, most) * c;
  }
  alpharho_mve_make_tile_rows(&rows, tile);
  if (at.left < 0 || at.left + (MVE_PIXELS - 1) * w->stride_w > most) {
    for (int32_t n = 0, left = at.left; n < MVE_PIXELS; n++, left += w->stride_w) {
      if (left < 0 || left > most) {
        pad_pixel(w, left, end - first, zero, row, tile + n * MVE_BLOCK);
      }
    }
  }
}

void alpharho_mve_tile_windows(const struct alpharho_mve_conv *p, const int8_t *in, struct pixel *at,
                               const int8_t *zero, int8_t *tile) {
  const struct alpharho_window *w = &p->window;
  struct corner corners[MVE_PIXELS];
  corners[0] = (struct corner){at->y * w->stride_h - w->pad_top, at->x * w->stride_w - w->pad_left};
  if (at->x + MVE_PIXELS <= w->out_w && w->dilation_w == 1 && w->kernel_w <= w->in_w) {
    at->x += MVE_PIXELS - 1;
    next_pixel(w, at);
    tile_by_row(p, in, corners[0], zero, tile);
    return;
  }
  for (int32_t n = 0; n < MVE_PIXELS; n++) {
    corners[n] = (struct corner){at->y * w->stride_h - w->pad_top, at->x * w->stride_w - w->pad_left};
    next_pixel(w, at);
  }
  tile_by_tap(p, in, corners, zero, tile);
}
