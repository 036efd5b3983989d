// The fixed-point arithmetic of LiteRT's reference kernels (gemmlowp's "double rounding").
#ifndef KERNELS_PORTABLE_FIXED_POINT_H
#define KERNELS_PORTABLE_FIXED_POINT_H

#include <stdint.h>

_Static_assert((-3 >> 1) == -2, "right shifts of negative numbers must be arithmetic");

// Sums and left shifts may leave int32, and wrap then as they do in the reference.
static inline int32_t wrap_add(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }

static inline int32_t wrap_shift_left(int32_t a, int32_t n) { return (int32_t)((uint32_t)a << n); }

// Cores without a product of 64 bits: Armv6-M and Armv8-M Baseline.
#if defined(__thumb__) && !defined(__thumb2__)
#define KERNELS_MULTIPLY_BY_PARTS
#endif

// a * b / 2^31, to the nearest, halves up (SaturatingRoundingDoublingHighMul). `b` is not negative.
static inline int32_t high_multiply(int32_t a, int32_t b) {
#ifdef KERNELS_MULTIPLY_BY_PARTS
  // The product is (high << 32) + ((middle + other) << 16) + low. No sum here leaves int32.
  const int32_t a_high = a >> 16, a_low = (int32_t)((uint32_t)a & 0xffffu);
  const int32_t b_high = b >> 16, b_low = (int32_t)((uint32_t)b & 0xffffu);
  const uint32_t low = (uint32_t)a_low * (uint32_t)b_low;
  const int32_t middle = a_high * b_low + (int32_t)(low >> 16) + (1 << 14);
  const int32_t other = a_low * b_high + (int32_t)((uint32_t)middle & 0xffffu);
  return (a_high * b_high + (middle >> 16)) * 2 + (other >> 15);
#else
  return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
#endif
}

// a / 2^n for n = 1 to 31, to the nearest, halves away from zero (RoundingDivideByPOT). `a` is not INT32_MIN.
static inline int32_t rounding_shift_right(int32_t a, int32_t n) {
  const int32_t towards_zero = a + (a >> 31);
  return ((towards_zero >> (n - 1)) + 1) >> 1;
}

// MultiplyByQuantizedMultiplier: x * multiplier * 2^(shift - 31), rounded twice. shift is -31 to 30.
static inline int32_t scale(int32_t x, int32_t multiplier, int32_t shift) {
  if (shift >= 0) {
    return high_multiply(wrap_shift_left(x, shift), multiplier);
  }
  return rounding_shift_right(high_multiply(x, multiplier), -shift);
}

static inline int32_t clamp(int32_t x, int32_t min, int32_t max) {
  if (x < min) {
    x = min;
  }
  return x > max ? max : x;
}

// a / b of numbers that are not negative, unsigned as alpharho_modulo.
static inline int32_t quotient(int32_t a, int32_t b) { return (int32_t)((uint32_t)a / (uint32_t)b); }

#endif // KERNELS_PORTABLE_FIXED_POINT_H
