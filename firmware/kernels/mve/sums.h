// Sums over pixels, eight channels at a time, for C with the compiler's vector instructions.
#ifndef KERNELS_MVE_SUMS_H
#define KERNELS_MVE_SUMS_H

#include "arithmetic.h"

#ifdef KERNELS_MVE_ASSEMBLY
#include <arm_mve.h>

// Sums of even and odd channels.
struct sums {
  int32x4_t even, odd;
};

// Adds `pixels` of them, `pitch` bytes apart. Sums of 256 int8 fit 16 bits.
static inline struct sums add_pixels(struct sums sums, const int8_t *from, int32_t pitch, int32_t pixels,
                                     mve_pred16_t some) {
  enum { SUMMED = 256 };
  for (; pixels > 0; pixels -= SUMMED) {
    int16x8_t sum = vdupq_n_s16(0);
    for (int32_t left = least(pixels, SUMMED); left; left--, from += pitch) {
      sum = vaddq_s16(sum, vldrbq_z_s16(from, some));
    }
    sums.even = vaddq_s32(sums.even, vmovlbq_s16(sum));
    sums.odd = vaddq_s32(sums.odd, vmovltq_s16(sum));
  }
  return sums;
}

// Stores values of 16 bits plus the zero point, limited.
static inline void store_sums(int8_t *out, struct sums values, int32_t zero_point, int32_t min, int32_t max,
                              mve_pred16_t some) {
  int16x8_t all = vqmovntq_s32(vqmovnbq_s32(vdupq_n_s16(0), values.even), values.odd);
  all = vqaddq_n_s16(all, (int16_t)zero_point);
  all = vmaxq_s16(vminq_s16(all, vdupq_n_s16((int16_t)max)), vdupq_n_s16((int16_t)min));
  vstrbq_p_s16(out, all, some);
}

#endif

#endif // KERNELS_MVE_SUMS_H
