// ADD in the reference's own arithmetic, for scales that have no exact factors. The compiler's vector instructions
// serve here: few layers need it.
#include "arithmetic.h"
#include "mve.h"

#ifdef KERNELS_MVE_ASSEMBLY
#include <arm_mve.h>

enum { LANES = 4, HEADROOM_BITS = 20 };

// How values are scaled, rounded twice as gemmlowp rounds. A shift of 0 does not round.
struct scaling {
  int32_t multiplier;
  int32x4_t shift;
  int32x4_t rounds; // all ones, or 0 without a shift
};

static inline struct scaling scaling_of(int32_t multiplier, int32_t shift) {
  return (struct scaling){multiplier, vdupq_n_s32(shift), vdupq_n_s32(shift ? -1 : 0)};
}

static inline int32x4_t scaled(struct scaling s, int32x4_t values) {
  const int32x4_t high = vqrdmulhq_n_s32(values, s.multiplier);
  return vrshlq_s32(vaddq_s32(high, vandq_s32(vshrq_n_s32(high, 31), s.rounds)), s.shift);
}

static inline int32x4_t input(const int8_t *from, int32_t offset, struct scaling s, mve_pred16_t some) {
  return scaled(s, vshlq_n_s32(vaddq_n_s32(vldrbq_z_s32(from, some), offset), HEADROOM_BITS));
}

void alpharho_mve_add_exact(const struct alpharho_add *p, const int8_t *in1, const int8_t *in2, int8_t *out) {
  const int32_t size = p->shape.dims[3];
  const struct scaling first = scaling_of(p->multiplier1, p->shift1), second = scaling_of(p->multiplier2, p->shift2);
  const struct scaling output = scaling_of(p->multiplier, p->shift);
  const int32x4_t min = vdupq_n_s32(p->min), max = vdupq_n_s32(p->max);
  for (int32_t i = 0; i < size; i += LANES) {
    const mve_pred16_t some = vctp32q((uint32_t)(size - i));
    const int32x4_t a = input(in1 + i, p->offset1, first, some), b = input(in2 + i, p->offset2, second, some);
    const int32x4_t sum = vaddq_n_s32(scaled(output, vaddq_s32(a, b)), p->zero_point);
    vstrbq_p_s32(out + i, vmaxq_s32(vminq_s32(sum, max), min), some);
  }
}

#else

void alpharho_mve_add_exact(const struct alpharho_add *p, const int8_t *in1, const int8_t *in2, int8_t *out) {
  alpharho_add(p, in1, in2, out);
}

#endif
