// The forms of the set: the same kernels in the instructions of different CPUs.
#ifndef KERNELS_SIMD_FORM_H
#define KERNELS_SIMD_FORM_H

#include <stdint.h>

#include "simd.h"

// 32 bits, with registers for vectors where the CPU has them.
#if defined(__arm__) && defined(__ARM_FP) && __ARM_ARCH == 7
#define KERNELS_SIMD_ARMV7
#endif

// Which instructions of the architecture a program may take.
enum {
  FORM_C,
  FORM_VECTOR, // AVX2, Advanced SIMD
  FORM_DOT,    // VNNI, dot products
};

struct form {
  void (*conv)(const struct alpharho_simd_conv *p, const int8_t *in, int8_t *out, int8_t *scratch);
  // A row of output. `taps` has the first input of each tap, four for each four weights.
  void (*depthwise_row)(const struct alpharho_simd_depthwise *p, const int8_t *const *taps, int8_t *out);
  void (*add)(const struct alpharho_add *p, const int8_t *in1, const int8_t *in2, int8_t *out);
  void (*sub)(const struct alpharho_add *p, const int8_t *in1, const int8_t *in2, int8_t *out);
  void (*mul)(const struct alpharho_mul *p, const int8_t *in1, const int8_t *in2, int8_t *out);
  void (*mean)(const struct alpharho_mean *p, const int8_t *in, int8_t *out);
  void (*dense)(const struct alpharho_dense *p, const int8_t *in, int8_t *out);
};

enum { MOST_TAPS = 28 };

extern const struct form alpharho_simd_in_c;
#ifdef __x86_64__
extern const struct form alpharho_simd_avx2, alpharho_simd_vnni;
#endif
#ifdef __aarch64__
extern const struct form alpharho_simd_neon, alpharho_simd_dot;
#endif
#ifdef KERNELS_SIMD_ARMV7
extern const struct form alpharho_simd_neon;
#endif

// The best form that this CPU has, and that alpharho_simd_most allows: for tests, FORM_DOT otherwise.
const struct form *alpharho_simd_form(void);
extern int32_t alpharho_simd_most;

// Loops of a constant number of passes, whose arrays are to be in registers.
#define SIMD_INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

#endif // KERNELS_SIMD_FORM_H
