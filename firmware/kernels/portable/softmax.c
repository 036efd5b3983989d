#include "fixed_point.h"
#include "portable.h"

// The sum of exponentials is kept with 12 bits before the binary point, the quotient with 2.
enum { SUM_INTEGER_BITS = 12, OUTPUT_BITS = 8 };

static int32_t leading_zeros(uint32_t x) {
  int32_t n = 0;
  while (n < 32 && !(x & 0x80000000u)) {
    x <<= 1;
    n++;
  }
  return n;
}

static int32_t saturating_shift_left(int32_t x, int32_t n) {
  const int64_t wide = (int64_t)x * ((int64_t)1 << n);
  if (wide > INT32_MAX) {
    return INT32_MAX;
  }
  return wide < INT32_MIN ? INT32_MIN : (int32_t)wide;
}

// a * b / 2^31 for any signs (gemmlowp saturates only where both are INT32_MIN, which does not occur here).
static int32_t multiply(int32_t a, int32_t b) { return high_multiply(a, b); }

// 1 / (1 + x) in Q0.31 for x in [0, 1), Q0.31: three steps of Newton and Raphson (gemmlowp's
// one_over_one_plus_x_for_x_in_0_1).
static int32_t reciprocal_of_one_plus(int32_t x) {
  const int32_t q2_48_over_17 = 1515870810, q2_minus_32_over_17 = -1010580540, q2_one = 1 << 29;
  const int32_t half = (int32_t)(((int64_t)x + INT32_MAX + 1) / 2);
  int32_t guess = q2_48_over_17 + multiply(half, q2_minus_32_over_17);
  for (int i = 0; i < 3; i++) {
    const int32_t error = q2_one - multiply(half, guess);
    guess = guess + saturating_shift_left(multiply(guess, error), 2);
  }
  return saturating_shift_left(guess, 1);
}

static void softmax_row(const struct alpharho_softmax *p, const int8_t *in, int8_t *out) {
  int32_t most = INT8_MIN;
  for (int32_t i = 0; i < p->depth; i++) {
    most = in[i] > most ? in[i] : most;
  }
  uint32_t sum = 0;
  for (int32_t i = 0; i < p->depth; i++) {
    sum += (uint32_t)rounding_shift_right(p->exp[most - in[i]], SUM_INTEGER_BITS);
  }
  const int32_t zeros = leading_zeros(sum);
  const int32_t factor = reciprocal_of_one_plus((int32_t)((sum << zeros) - 0x80000000u));
  const int32_t shift = SUM_INTEGER_BITS - zeros + 31 - OUTPUT_BITS;
  for (int32_t i = 0; i < p->depth; i++) {
    const int32_t scaled = multiply(factor, p->exp[most - in[i]]);
    // Over 31 only for 512 and more equal largest inputs, where each output is under half a step.
    const int32_t value = shift > 31 ? 0 : rounding_shift_right(scaled, shift);
    out[i] = (int8_t)clamp(value + INT8_MIN, INT8_MIN, INT8_MAX);
  }
}

void alpharho_softmax(const struct alpharho_softmax *p, const int8_t *in, int8_t *out) {
  for (int32_t row = 0; row < p->rows; row++) {
    softmax_row(p, in + row * p->depth, out + row * p->depth);
  }
}
