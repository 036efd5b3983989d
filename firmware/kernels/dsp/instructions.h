// Instructions of the DSP extension that C cannot express, and the same in C for cores without it.
#ifndef KERNELS_DSP_INSTRUCTIONS_H
#define KERNELS_DSP_INSTRUCTIONS_H

#include <stdint.h>
#include <string.h>

#include "layout.h"

#ifdef KERNELS_DSP_ASSEMBLY
#include <arm_acle.h>
#endif

_Static_assert((-3 >> 1) == -2, "right shifts of negative numbers must be arithmetic");

// One LDR on these cores, aligned or not. Little-endian.
__attribute__((unused)) static inline uint32_t load_word(const int8_t *from) {
  uint32_t word;
  // The analyzer does not know that a window of 3x3 taps on 3 channels fills the 27 bytes that are read.
  memcpy(&word, from, sizeof word); // NOLINT(clang-analyzer-unix.cstring.UninitializedRead)
  return word;
}

__attribute__((unused)) static inline void store_word(int8_t *to, uint32_t word) { memcpy(to, &word, sizeof word); }

#ifdef KERNELS_DSP_ASSEMBLY

// Intrinsics of ACLE where it has one. It has none with a rotation or a shift, of which gcc makes two instructions, for
// BFI, and for the upper half of a product.

// Bytes 0 and 2, sign-extended to 16 bits.
static inline uint32_t expand_even(uint32_t bytes) { return (uint32_t)__sxtb16((int8x4_t)bytes); }

// Bytes 1 and 3, sign-extended to 16 bits (SXTB16).
static inline uint32_t expand_odd(uint32_t bytes) {
  uint32_t result;
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(bytes));
  return result;
}

// sum + a.low * b.low + a.high * b.high.
static inline uint32_t multiply_pairs(uint32_t a, uint32_t b, uint32_t sum) {
  return (uint32_t)__smlad((int16x2_t)a, (int16x2_t)b, (int32_t)sum);
}

// x limited to int8 (SSAT, whose intrinsic does not pass -Wsign-conversion in gcc 12).
static inline int32_t saturated(int32_t x) {
  int32_t result;
  __asm__("ssat %0, #8, %1" : "=r"(result) : "r"(x));
  return result;
}

// x / 2 rounded down, limited to int8 (SSAT).
static inline int32_t halve_saturated(int32_t x) {
  int32_t result;
  __asm__("ssat %0, #8, %1, asr #1" : "=r"(result) : "r"(x));
  return result;
}

// sum + the upper half of a * b, rounded (SMMLAR).
static inline int32_t multiply_high_add(int32_t a, int32_t b, int32_t sum) {
  int32_t result;
  __asm__("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
  return result;
}

// sum + the upper half of a * b, rounded down (SMMLA).
static inline int32_t multiply_high_add_down(int32_t a, int32_t b, int32_t sum) {
  int32_t result;
  __asm__("smmla %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
  return result;
}

// To each 16-bit half its byte 0 or 2, sign-extended.
static inline uint32_t add_even(uint32_t halves, uint32_t bytes) {
  return (uint32_t)__sxtab16((int16x2_t)halves, (int8x4_t)bytes);
}

// To each 16-bit half its byte 1 or 3, sign-extended (SXTAB16).
static inline uint32_t add_odd(uint32_t halves, uint32_t bytes) {
  uint32_t result;
  __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(result) : "r"(halves), "r"(bytes));
  return result;
}

// Both halves times 2.
static inline uint32_t twice_halves(uint32_t halves) {
  return (uint32_t)__sadd16((int16x2_t)halves, (int16x2_t)halves);
}

// The product of the low halves, and of the high ones.
static inline int32_t multiply_low_halves(uint32_t a, uint32_t b) { return (int16_t)a * (int16_t)b; }

static inline int32_t multiply_high_halves(uint32_t a, uint32_t b) { return (int16_t)(a >> 16) * (int16_t)(b >> 16); }

// sum + (factor * low half of b) / 2^16, rounded down, and with its high half.
static inline int32_t scale_low_half(int32_t factor, uint32_t b, int32_t sum) {
  return __smlawb(factor, (int32_t)b, sum);
}

static inline int32_t scale_high_half(int32_t factor, uint32_t b, int32_t sum) {
  return __smlawt(factor, (int32_t)b, sum);
}

// `word` with its byte `place` replaced by the lowest byte of `from` (BFI).
#define INSERT_BYTE(word, from, place) __asm__("bfi %0, %1, %2, #8" : "+r"(word) : "r"(from), "i"(8 * (place)))

// A word of the lowest bytes of four numbers, the first the lowest. Of C, the compiler makes an instruction more.
static inline uint32_t four_bytes(int32_t a, int32_t b, int32_t c, int32_t d) {
  INSERT_BYTE(a, b, 1);
  INSERT_BYTE(a, c, 2);
  INSERT_BYTE(a, d, 3);
  return (uint32_t)a;
}

#else

static inline uint32_t expand_even(uint32_t bytes) {
  const uint32_t low = (uint32_t)(int8_t)bytes & 0xffffu, high = (uint32_t)(int8_t)(bytes >> 16);
  return low | high << 16;
}

static inline uint32_t expand_odd(uint32_t bytes) { return expand_even(bytes >> 8); }

static inline uint32_t multiply_pairs(uint32_t a, uint32_t b, uint32_t sum) {
  const int32_t low = (int16_t)a * (int16_t)b, high = (int16_t)(a >> 16) * (int16_t)(b >> 16);
  return sum + (uint32_t)low + (uint32_t)high;
}

static inline int32_t multiply_high(int32_t a, int32_t b) {
  return (int32_t)(((int64_t)a * b + ((int64_t)1 << 31)) >> 32);
}

static inline int32_t saturated(int32_t x) {
  const int32_t least = x < INT8_MIN ? INT8_MIN : x;
  return least > INT8_MAX ? INT8_MAX : least;
}

static inline int32_t halve_saturated(int32_t x) { return saturated(x >> 1); }

static inline int32_t multiply_high_add(int32_t a, int32_t b, int32_t sum) { return sum + multiply_high(a, b); }

static inline int32_t multiply_high_add_down(int32_t a, int32_t b, int32_t sum) {
  return sum + (int32_t)(((int64_t)a * b) >> 32);
}

static inline uint32_t add_halves(uint32_t a, uint32_t b) {
  return ((a + b) & 0xffffu) | ((a & 0xffff0000u) + (b & 0xffff0000u));
}

static inline uint32_t add_even(uint32_t halves, uint32_t bytes) { return add_halves(halves, expand_even(bytes)); }

static inline uint32_t add_odd(uint32_t halves, uint32_t bytes) { return add_halves(halves, expand_odd(bytes)); }

static inline uint32_t twice_halves(uint32_t halves) { return add_halves(halves, halves); }

static inline int32_t multiply_low_halves(uint32_t a, uint32_t b) { return (int16_t)a * (int16_t)b; }

static inline int32_t multiply_high_halves(uint32_t a, uint32_t b) { return multiply_low_halves(a >> 16, b >> 16); }

static inline int32_t scale_low_half(int32_t factor, uint32_t b, int32_t sum) {
  return sum + (int32_t)(((int64_t)factor * (int16_t)b) >> 16);
}

static inline int32_t scale_high_half(int32_t factor, uint32_t b, int32_t sum) {
  return scale_low_half(factor, b >> 16, sum);
}

static inline uint32_t four_bytes(int32_t a, int32_t b, int32_t c, int32_t d) {
  return (uint8_t)a | (uint32_t)(uint8_t)b << 8 | (uint32_t)(uint8_t)c << 16 | (uint32_t)d << 24;
}

#endif

// int8 from a sum, rounded as gemmlowp rounds: the upper half of 2 * sum * multiplier, to the nearest; then to the
// nearest, halves away from zero. `doubled` is 2 * multiplier - 2^32, which fits int32 where 2 * multiplier does not:
// the missing 2^32 * sum is added after the product. `shift` is the right shift less 1, `rounding` is 2 * zero point +
// 1: half a step and the zero point are added before the last bit is shifted out, which overflows for no shift.
static inline int8_t requantize(int32_t sum, int32_t doubled, int32_t shift, int32_t rounding) {
  const int32_t high = multiply_high_add(sum, doubled, sum);
  return (int8_t)halve_saturated(((high + (high >> 31)) >> shift) + rounding);
}

#endif // KERNELS_DSP_INSTRUCTIONS_H
