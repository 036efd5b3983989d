// MEAN. The compiler's vector instructions serve here: the loop is short, and next to no time is spent in it.
#include "arithmetic.h"
#include "mve.h"

// Sums of this many int8 fit 16 bits.
enum { LANES = 8, SUMMED = 256 };

#ifdef KERNELS_MVE_ASSEMBLY
#include <arm_mve.h>

// The sums of eight channels over up to SUMMED pixels, `pitch` bytes apart.
static inline int16x8_t sum_pixels(const int8_t *from, int32_t pitch, int32_t pixels, mve_pred16_t some) {
  int16x8_t sums = vdupq_n_s16(0);
  for (; pixels; pixels--, from += pitch) {
    sums = vaddq_s16(sums, vldrbq_z_s16(from, some));
  }
  return sums;
}

static inline int32x4_t mean_of(const struct alpharho_mean *p, int32x4_t sums) {
  // Rounded twice as gemmlowp rounds, without the zero point.
  const int32x4_t high = vqrdmulhq_s32(sums, vdupq_n_s32(p->multiplier));
  return vrshlq_s32(vaddq_s32(high, vshrq_n_s32(high, 31)), vdupq_n_s32(p->shift));
}

static void channels(const struct alpharho_mean *p, const int8_t *in, int32_t i, int8_t *out) {
  const mve_pred16_t some = vctp16q((uint32_t)(p->inner - i));
  int32x4_t even = vdupq_n_s32(p->offset), odd = even;
  for (int32_t first = 0; first < p->reduced; first += SUMMED) {
    const int16x8_t sums = sum_pixels(in + first * p->inner + i, p->inner, least(p->reduced - first, SUMMED), some);
    even = vaddq_s32(even, vmovlbq_s16(sums));
    odd = vaddq_s32(odd, vmovltq_s16(sums));
  }
  int16x8_t means = vqmovntq_s32(vqmovnbq_s32(vdupq_n_s16(0), mean_of(p, even)), mean_of(p, odd));
  means = vqaddq_n_s16(means, (int16_t)p->zero_point);
  means = vmaxq_s16(vminq_s16(means, vdupq_n_s16(INT8_MAX)), vdupq_n_s16(INT8_MIN));
  vstrbq_p_s16(out + i, means, some);
}

#else

static void channels(const struct alpharho_mean *p, const int8_t *in, int32_t i, int8_t *out) {
  for (int32_t c = i; c < least(p->inner, i + LANES); c++) {
    int32_t sum = p->offset;
    for (int32_t r = 0; r < p->reduced; r++) {
      sum += in[r * p->inner + c];
    }
    out[c] = requantize(sum, p->multiplier, p->shift, p->zero_point);
  }
}

#endif

void alpharho_mve_mean(const struct alpharho_mean *p, const int8_t *in, int8_t *out) {
  for (int32_t o = 0; o < p->outer; o++, in += p->reduced * p->inner, out += p->inner) {
    for (int32_t i = 0; i < p->inner; i += LANES) {
      channels(p, in, i, out);
    }
  }
}
