// AVERAGE_POOL_2D. The compiler's vector instructions serve here.
#include "mve.h"
#include "sums.h"

#ifdef KERNELS_MVE_ASSEMBLY

enum { LANES = 8 };

// Sums divided by `count`, halves away from zero. `reciprocal` is 2^31 / count rounded up: what that adds to a quotient
// is less than 1 / count for all sums and counts of alpharho_mve_average_pool.
static inline int32x4_t divided(int32x4_t sums, int32_t count, uint32_t reciprocal) {
  const uint32x4_t size = vreinterpretq_u32_s32(vabsq_s32(sums));
  const uint32x4_t twice = vshlq_n_u32(vaddq_n_u32(size, (uint32_t)count / 2u), 1);
  const int32x4_t quotient = vreinterpretq_s32_u32(vmulhq_u32(twice, vdupq_n_u32(reciprocal)));
  return vnegq_m_s32(quotient, quotient, vcmpltq_n_s32(sums, 0));
}

// One pixel of output: the mean of `rows` rows of `columns` pixels.
static void average(const struct alpharho_pool *p, const int8_t *in, int32_t rows, int32_t columns, int8_t *out) {
  const int32_t channels = p->window.in_c, count = rows * columns, pitch = p->window.in_w * channels;
  const uint32_t reciprocal = ((1u << 31) + (uint32_t)count - 1u) / (uint32_t)count;
  if (columns == p->window.in_w) { // the rows are side by side
    columns = count;
    rows = 1;
  }
  for (int32_t c = 0; c < channels; c += LANES) {
    const mve_pred16_t some = vctp16q((uint32_t)(channels - c));
    struct sums sums = {vdupq_n_s32(0), vdupq_n_s32(0)};
    for (int32_t y = 0; y < rows; y++) {
      sums = add_pixels(sums, in + y * pitch + c, channels, columns, some);
    }
    sums.even = divided(sums.even, count, reciprocal);
    sums.odd = divided(sums.odd, count, reciprocal);
    store_sums(out + c, sums, 0, p->min, p->max, some);
  }
}

void alpharho_mve_average_pool(const struct alpharho_pool *p, const int8_t *in, int8_t *out) {
  const struct alpharho_window *w = &p->window;
  for (int32_t y = 0; y < w->out_h; y++) {
    const int32_t top = y * w->stride_h - w->pad_top, first_y = top < 0 ? 0 : top;
    const int32_t rows = least(top + w->kernel_h, w->in_h) - first_y;
    for (int32_t x = 0; x < w->out_w; x++, out += w->in_c) {
      const int32_t left = x * w->stride_w - w->pad_left, first_x = left < 0 ? 0 : left;
      const int32_t columns = least(left + w->kernel_w, w->in_w) - first_x;
      average(p, in + (first_y * w->in_w + first_x) * w->in_c, rows, columns, out);
    }
  }
}

#else

void alpharho_mve_average_pool(const struct alpharho_pool *p, const int8_t *in, int8_t *out) {
  alpharho_average_pool(p, in, out);
}

#endif
