// MEAN. The compiler's vector instructions serve here: the loop is short, and next to no time is spent in it.
#include "mve.h"
#include "sums.h"

enum { LANES = 8 };

#ifdef KERNELS_MVE_ASSEMBLY

static inline int32x4_t mean_of(const struct alpharho_mean *p, int32x4_t sums) {
  // Rounded twice as gemmlowp rounds, without the zero point.
  const int32x4_t high = vqrdmulhq_s32(sums, vdupq_n_s32(p->multiplier));
  return vrshlq_s32(vaddq_s32(high, vshrq_n_s32(high, 31)), vdupq_n_s32(p->shift));
}

static void channels(const struct alpharho_mean *p, const int8_t *in, int32_t i, int8_t *out) {
  const mve_pred16_t some = vctp16q((uint32_t)(p->inner - i));
  struct sums sums = {vdupq_n_s32(p->offset), vdupq_n_s32(p->offset)};
  sums = add_pixels(sums, in + i, p->inner, p->reduced, some);
  sums.even = mean_of(p, sums.even);
  sums.odd = mean_of(p, sums.odd);
  store_sums(out + i, sums, p->zero_point, INT8_MIN, INT8_MAX, some);
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
