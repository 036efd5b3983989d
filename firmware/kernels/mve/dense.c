#include "instructions.h"
#include "mve.h"

enum { CHANNELS = 4 };

#ifdef KERNELS_MVE_ASSEMBLY

// Products of `size` inputs with four rows of weights.
static inline int32x4_t dot(const int8_t *x, const int8_t *const w[CHANNELS], int32_t size) {
  const int8_t *w0 = w[0], *w1 = w[1], *w2 = w[2], *w3 = w[3];
  int32_t s0, s1, s2, s3;
  int32x4_t sums;
  __asm__ volatile("movs %[s0], #0 \n"
                   "movs %[s1], #0 \n"
                   "movs %[s2], #0 \n"
                   "movs %[s3], #0 \n"
                   "dlstp.8 lr, %[size] \n"
                   "1: vldrb.8 q0, [%[x]], #16 \n"
                   "vldrb.8 q1, [%[w0]], #16 \n"
                   "vmladava.s8 %[s0], q0, q1 \n"
                   "vldrb.8 q1, [%[w1]], #16 \n"
                   "vmladava.s8 %[s1], q0, q1 \n"
                   "vldrb.8 q1, [%[w2]], #16 \n"
                   "vmladava.s8 %[s2], q0, q1 \n"
                   "vldrb.8 q1, [%[w3]], #16 \n"
                   "vmladava.s8 %[s3], q0, q1 \n"
                   "letp lr, 1b \n"
                   "vmov %q[sums][2], %q[sums][0], %[s0], %[s2] \n"
                   "vmov %q[sums][3], %q[sums][1], %[s1], %[s3] \n"
                   : [s0] "=&Te"(s0), [s1] "=&Te"(s1), [s2] "=&Te"(s2), [s3] "=&Te"(s3), [x] "+r"(x), [w0] "+r"(w0),
                     [w1] "+r"(w1), [w2] "+r"(w2), [w3] "+r"(w3), [sums] "=&w"(sums)
                   : [size] "r"(size)
                   : "q0", "q1", "lr", "cc", "memory");
  return sums;
}

// Rounding the upper half of the product rounds the product.
static inline int32x4_t round_once(int32x4_t sums, int32x4_t multiplier, int32x4_t shift) {
  return vrshlq_s32(vmulhq_s32(sums, multiplier), shift);
}

static void four_channels(const struct alpharho_mve_dense *p, const int8_t *in, const int8_t *const w[CHANNELS],
                          int32_t c, int8_t *out, int twice) {
  const mve_pred16_t some = vctp32q((uint32_t)(p->out_c - c));
  const int32x4_t sums = vaddq_s32(dot(in, w, p->in_c), vldrwq_z_s32(p->bias + c, some));
  const int32x4_t multiplier = vldrwq_z_s32(p->multiplier + c, some), shift = vldrbq_z_s32(p->shift + c, some);
  int32x4_t x = twice ? requantise_four(sums, multiplier, shift) : round_once(sums, multiplier, shift);
  x = vaddq_n_s32(x, p->zero_point);
  x = vmaxq_s32(x, vdupq_n_s32(p->min));
  vstrbq_p_s32(out + c, vminq_s32(x, vdupq_n_s32(p->max)), some);
}

#else

static void four_channels(const struct alpharho_mve_dense *p, const int8_t *in, const int8_t *const w[CHANNELS],
                          int32_t c, int8_t *out, int twice) {
  for (int32_t i = 0; i < least(p->out_c - c, CHANNELS); i++) {
    int32_t sum = p->bias[c + i];
    for (int32_t k = 0; k < p->in_c; k++) {
      sum = wrap_add(sum, in[k] * w[i][k]);
    }
    const int32_t multiplier = p->multiplier[c + i], right = -p->shift[c + i];
    const int64_t product = (int64_t)sum * multiplier;
    const int32_t value = twice ? rounding_shift_right(high_multiply(sum, multiplier), right)
                                : (int32_t)((product + ((int64_t)1 << (31 + right))) >> (32 + right));
    out[c + i] = (int8_t)clamp(value + p->zero_point, p->min, p->max);
  }
}

#endif

static __attribute__((noinline)) void one_row(const struct alpharho_mve_dense *p, const int8_t *in, int8_t *out,
                                              int twice) {
  const int8_t *w = p->weights;
  for (int32_t c = 0; c < p->out_c; c += CHANNELS, w += CHANNELS * p->in_c) {
    // Where less than four channels are left, the first of them takes the place of the others.
    const int32_t last = p->out_c - c - 1;
    const int8_t *const rows[CHANNELS] = {w, last < 1 ? w : w + p->in_c, last < 2 ? w : w + 2 * p->in_c,
                                          last < 3 ? w : w + 3 * p->in_c};
    four_channels(p, in, rows, c, out, twice);
  }
}

void alpharho_mve_dense(const struct alpharho_mve_dense *p, const int8_t *in, int8_t *out) {
  for (int32_t row = 0; row < p->rows; row++, in += p->in_c, out += p->out_c) {
    one_row(p, in, out, 0);
  }
}

void alpharho_mve_pixel(const struct alpharho_mve_dense *p, const int8_t *in, int8_t *out) { one_row(p, in, out, 1); }
