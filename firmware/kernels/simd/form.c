#include "form.h"

#if defined(__linux__) && (defined(__aarch64__) || defined(__arm__))
#include <sys/auxv.h>
#endif

int32_t alpharho_simd_most = FORM_DOT;

// FORM_C to FORM_DOT.
static int32_t detect(void) {
#ifdef __x86_64__
  if (!__builtin_cpu_supports("avx2")) {
    return FORM_C;
  }
  return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                 __builtin_cpu_supports("avx512vnni")
             ? FORM_DOT
             : FORM_VECTOR;
#elif defined(__linux__) && defined(__aarch64__)
  enum { HWCAP_OF_DOT_PRODUCTS = 1 << 20 };
  return getauxval(AT_HWCAP) & HWCAP_OF_DOT_PRODUCTS ? FORM_DOT : FORM_VECTOR;
#elif defined(__linux__) && defined(KERNELS_SIMD_ARMV7)
  enum { HWCAP_OF_NEON = 1 << 12 };
  return getauxval(AT_HWCAP) & HWCAP_OF_NEON ? FORM_VECTOR : FORM_C;
#else
  return FORM_C;
#endif
}

const struct form *alpharho_simd_form(void) {
  static int32_t known, best;
  if (!known) {
    best = detect();
    known = 1;
  }
  switch (best < alpharho_simd_most ? best : alpharho_simd_most) {
#ifdef __x86_64__
  case FORM_DOT:
    return &alpharho_simd_vnni;
  case FORM_VECTOR:
    return &alpharho_simd_avx2;
#elif defined(__aarch64__)
  case FORM_DOT:
    return &alpharho_simd_dot;
  case FORM_VECTOR:
    return &alpharho_simd_neon;
#elif defined(KERNELS_SIMD_ARMV7)
  case FORM_VECTOR:
    return &alpharho_simd_neon;
#endif
  default:
    return &alpharho_simd_in_c;
  }
}

void alpharho_simd_conv(const struct alpharho_simd_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
  alpharho_simd_form()->conv(p, in, out, scratch);
}

void alpharho_simd_add(const struct alpharho_add *p, const int8_t *in1, const int8_t *in2, int8_t *out) {
  alpharho_simd_form()->add(p, in1, in2, out);
}

void alpharho_simd_sub(const struct alpharho_add *p, const int8_t *in1, const int8_t *in2, int8_t *out) {
  alpharho_simd_form()->sub(p, in1, in2, out);
}

void alpharho_simd_mul(const struct alpharho_mul *p, const int8_t *in1, const int8_t *in2, int8_t *out) {
  alpharho_simd_form()->mul(p, in1, in2, out);
}

void alpharho_simd_mean(const struct alpharho_mean *p, const int8_t *in, int8_t *out) {
  alpharho_simd_form()->mean(p, in, out);
}

void alpharho_simd_dense(const struct alpharho_dense *p, const int8_t *in, int8_t *out) {
  alpharho_simd_form()->dense(p, in, out);
}
