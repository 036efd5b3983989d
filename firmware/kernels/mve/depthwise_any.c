// DEPTHWISE_CONV_2D of any window and number of channels.
#include <stddef.h>

#include "arithmetic.h"
#include "depthwise.h"
#include "mve.h"

enum { MOST_TAPS = 81 };

MVE_ASSERT_OFFSET(struct depthwise_taps, packed, TAPS_PACKED);
MVE_ASSERT_OFFSET(struct depthwise_taps, channels, TAPS_CHANNELS);
MVE_ASSERT_OFFSET(struct depthwise_taps, table, TAPS_TABLE);
MVE_ASSERT_OFFSET(struct depthwise_taps, pairs, TAPS_PAIRS);
MVE_ASSERT_OFFSET(struct depthwise_taps, in, TAPS_IN);
MVE_ASSERT_OFFSET(struct depthwise_taps, out, TAPS_OUT);
MVE_ASSERT_OFFSET(struct depthwise_taps, mode, TAPS_MODE);
MVE_ASSERT_OFFSET(struct depthwise_taps, pixels, TAPS_PIXELS);
MVE_ASSERT_OFFSET(struct depthwise_taps, advance, TAPS_ADVANCE);
MVE_ASSERT_OFFSET(struct depthwise_taps, out_advance, TAPS_OUT_ADVANCE);

#ifndef KERNELS_MVE_ASSEMBLY

void alpharho_mve_depthwise_taps(const struct depthwise_taps *row) { alpharho_mve_depthwise_in_c(row); }

#endif

void alpharho_mve_depthwise_any_row(const struct alpharho_mve_depthwise *p, const int8_t *ring, int32_t y,
                                    int8_t *out) {
  const struct alpharho_window *w = &p->window;
  const int32_t rows = (w->kernel_h - 1) * w->dilation_h + 1;
  const int32_t row_bytes = ((w->out_w - 1) * w->stride_w + (w->kernel_w - 1) * w->dilation_w + 1) * w->in_c;
  const int32_t first = y * w->stride_h % rows;
  int32_t table[MOST_TAPS + 1], taps = 0;
  for (int32_t ky = 0, place = first; ky < w->kernel_h; ky++) {
    for (int32_t kx = 0; kx < w->kernel_w; kx++) {
      table[taps++] = place * row_bytes + kx * w->dilation_w * w->in_c;
    }
    place += w->dilation_h;
    place -= place < rows ? 0 : rows;
  }
  table[taps] = first * row_bytes; // for an even number; its weights are 0
  const int32_t at_once = p->pixels_at_once, channels = at_once * w->in_c;
  const int32_t covered = depthwise_covered(channels);
  struct depthwise_taps job = {
      .packed = p->packed,
      .channels = channels,
      .table = table,
      .pairs = taps / 2,
      .in = ring,
      .out = out,
      .mode = depthwise_mode(p->zero_point, has_negatives(p->zero_point, p->min)),
      .pixels = w->out_w / at_once,
      .advance = w->stride_w * channels - covered,
      .out_advance = channels - covered,
  };
  if (job.pixels) {
    alpharho_mve_depthwise_taps(&job);
  }
  const int32_t left = w->out_w % at_once;
  if (left) {
    job.in += job.pixels * channels;
    job.out += job.pixels * channels;
    job.channels = left * w->in_c;
    job.pixels = 1;
    alpharho_mve_depthwise_taps(&job);
  }
  alpharho_mve_depthwise_limit(p, out);
}

void alpharho_mve_depthwise_any(const struct alpharho_mve_depthwise *p, const int8_t *in, int8_t *out,
                                int8_t *scratch) {
  alpharho_mve_depthwise_rows(p, in, out, scratch, alpharho_mve_depthwise_any_row);
}
