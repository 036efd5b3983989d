#include "instructions.h"
#include "memory.h"
#include "mve.h"

#ifdef KERNELS_MVE_ASSEMBLY

void alpharho_mve_add(const struct alpharho_mve_add *p, const int8_t *in1, const int8_t *in2, int8_t *out) {
  __asm__ volatile("vdup.32 q2, %[factor1] \n"
                   "vdup.32 q3, %[min] \n"
                   "vdup.32 q4, %[max] \n"
                   "wlstp.32 lr, %[size], 2f \n"
                   "1: vldrb.s32 q0, [%[in1]], #4 \n"
                   "vldrb.s32 q1, [%[in2]], #4 \n"
                   "vmlas.s32 q0, q2, %[offset] \n"
                   "vmla.s32 q0, q1, %[factor2] \n"
                   "vshl.s32 q0, %[shift] \n"
                   "vmax.s32 q0, q0, q3 \n"
                   "vmin.s32 q0, q0, q4 \n"
                   "vstrb.32 q0, [%[out]], #4 \n"
                   "letp lr, 1b \n"
                   "2: \n"
                   : [in1] "+l"(in1), [in2] "+l"(in2), [out] "+l"(out)
                   : [factor1] "r"(p->factor1), [factor2] "r"(p->factor2), [offset] "r"(p->offset),
                     [shift] "r"(p->shift), [min] "r"(p->min), [max] "r"(p->max), [size] "r"(p->size)
                   : "q0", "q1", "q2", "q3", "q4", "lr", "memory");
}

// Double rounding as gemmlowp does it: the upper half of 2 * product * multiplier, rounded; then to the nearest, halves
// away from zero.
#define REQUANTISE(product)                                                                                            \
  "vqrdmulh.s32 " product ", " product ", %[multiplier] \n"                                                            \
  "vshr.s32 q2, " product ", #31 \n"                                                                                   \
  "vadd.i32 " product ", " product ", q2 \n"                                                                           \
  "vrshl.s32 " product ", %[shift] \n"

// q0, q1, q6 and q7 are elements 0, 4, ..; 2, 6, ..; 1, 5, ..; 3, 7, ..: narrowing interleaves its two vectors.
void alpharho_mve_mul(const struct alpharho_mve_mul *p, const int8_t *in1, const int8_t *in2, int8_t *out) {
  int8_t *to = out;
  for (int32_t row = 0; row < p->rows; row++) {
    const int8_t *second = in2;
    __asm__ volatile("wlstp.8 lr, %[size], 2f \n"
                     "1: vldrb.8 q0, [%[in1]], #16 \n"
                     "vldrb.8 q1, [%[in2]], #16 \n"
                     "vmovlb.s8 q2, q0 \n"
                     "vmovlt.s8 q3, q0 \n"
                     "vmovlb.s8 q4, q1 \n"
                     "vmovlt.s8 q5, q1 \n"
                     "vadd.i16 q2, q2, %[offset1] \n"
                     "vadd.i16 q3, q3, %[offset1] \n"
                     "vadd.i16 q4, q4, %[offset2] \n"
                     "vadd.i16 q5, q5, %[offset2] \n"
                     "vmullb.s16 q0, q2, q4 \n"
                     "vmullt.s16 q1, q2, q4 \n"
                     "vmullb.s16 q6, q3, q5 \n"
                     "vmullt.s16 q7, q3, q5 \n" REQUANTISE("q0") REQUANTISE("q1") REQUANTISE("q6")
                         REQUANTISE("q7") "vqmovnb.s32 q0, q0 \n"
                                          "vqmovnt.s32 q0, q1 \n"
                                          "vqmovnb.s32 q6, q6 \n"
                                          "vqmovnt.s32 q6, q7 \n"
                                          "vqadd.s16 q0, q0, %[zero_point] \n"
                                          "vqadd.s16 q6, q6, %[zero_point] \n"
                                          "vqmovnb.s16 q0, q0 \n"
                                          "vqmovnt.s16 q0, q6 \n"
                                          "vstrb.8 q0, [%[out]], #16 \n"
                                          "letp lr, 1b \n"
                                          "2: \n"
                     : [in1] "+&r"(in1), [in2] "+&r"(second), [out] "+&r"(to)
                     : [size] "r"(p->size), [offset1] "r"(p->offset1), [offset2] "r"(p->offset2),
                       [multiplier] "r"(p->multiplier), [shift] "r"(p->shift), [zero_point] "r"(p->zero_point)
                     : "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "lr", "memory");
    // The pointers were moved on by whole vectors.
    const int32_t too_far = -p->size & 15;
    in1 -= too_far;
    to -= too_far;
  }
  if (p->min > INT8_MIN || p->max < INT8_MAX) {
    limit(out, p->rows * p->size, p->min, p->max);
  }
}

void alpharho_mve_table(const int8_t *table, const int8_t *in, int8_t *out, int32_t size) {
  __asm__ volatile("vmov.i8 q1, #128 \n"
                   "wlstp.8 lr, %[size], 2f \n"
                   "1: vldrb.8 q0, [%[in]], #16 \n"
                   "veor q0, q0, q1 \n"
                   "vldrb.u8 q2, [%[table], q0] \n"
                   "vstrb.8 q2, [%[out]], #16 \n"
                   "letp lr, 1b \n"
                   "2: \n"
                   : [in] "+r"(in), [out] "+r"(out)
                   : [table] "r"(table), [size] "r"(size)
                   : "q0", "q1", "q2", "lr", "memory");
}

#else

void alpharho_mve_add(const struct alpharho_mve_add *p, const int8_t *in1, const int8_t *in2, int8_t *out) {
  for (int32_t i = 0; i < p->size; i++) {
    out[i] = (int8_t)clamp((p->offset + p->factor1 * in1[i] + p->factor2 * in2[i]) >> -p->shift, p->min, p->max);
  }
}

void alpharho_mve_mul(const struct alpharho_mve_mul *p, const int8_t *in1, const int8_t *in2, int8_t *out) {
  for (int32_t row = 0; row < p->rows; row++) {
    for (int32_t i = 0; i < p->size; i++) {
      const int32_t product = (*in1++ + p->offset1) * (in2[i] + p->offset2);
      *out++ = (int8_t)clamp(requantise(product, p->multiplier, p->shift, p->zero_point), p->min, p->max);
    }
  }
}

void alpharho_mve_table(const int8_t *table, const int8_t *in, int8_t *out, int32_t size) {
  for (int32_t i = 0; i < size; i++) {
    out[i] = table[in[i] - INT8_MIN];
  }
}

#endif
