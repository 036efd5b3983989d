// The inputs of windows, for convolutions.
#ifndef KERNELS_MVE_GATHER_H
#define KERNELS_MVE_GATHER_H

#include "multiply.h"
#include "mve.h"

// An output pixel.
struct pixel {
  int32_t y, x;
};

// Moves on by a pixel in the order of memory. The last pixel stands for those behind it.
static inline void next_pixel(const struct alpharho_window *w, struct pixel *at) {
  if (at->x + 1 < w->out_w) {
    at->x++;
  } else if (at->y + 1 < w->out_h) {
    at->x = 0;
    at->y++;
  }
}

// Sets the rows of four pixels that are `pitch` bytes apart; the last of `pixels` stands for those that are missing.
static inline void set_rows(const int8_t *rows[MVE_PIXELS], const int8_t *first, int32_t pixels, int32_t pitch) {
  for (int32_t n = 0; n < MVE_PIXELS; n++) {
    rows[n] = first + (n < pixels ? n : pixels - 1) * pitch;
  }
}

// Copies the inputs of one output pixel, (kernel_h, kernel_w, in_c), with the zero point as padding.
void alpharho_mve_gather(const struct alpharho_mve_conv *p, const int8_t *in, struct pixel at, int8_t *to);

// Tiles the inputs of four pixels of a window on a multiple of 16 channels, from `at` on, which moves on by four.
// `zero` holds in_c times the zero point.
void alpharho_mve_tile_windows(const struct alpharho_mve_conv *p, const int8_t *in, struct pixel *at,
                               const int8_t *zero, int8_t *tile);

#endif // KERNELS_MVE_GATHER_H
