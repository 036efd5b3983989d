#include "dsp.h"
#include "instructions.h"
#include "memory.h"

enum { BATCH = 4 };

// Bytes 0 and 2, and 1 and 3, as the upper halves of 16 bits: 256 times their value.
static inline uint32_t raise_even(uint32_t bytes) { return bytes << 8 & 0xff00ff00u; }
static inline uint32_t raise_odd(uint32_t bytes) { return bytes & 0xff00ff00u; }

static inline int32_t round_sum(const struct alpharho_dsp_add *p, int32_t sum) {
  return halve_saturated(((sum + (sum >> 31)) >> p->shift) + p->rounding);
}

void alpharho_dsp_add(const struct alpharho_dsp_add *p, const int8_t *in1, const int8_t *in2, int8_t *out) {
  const struct alpharho_dsp_add q = *p;
  int8_t *to = out;
  for (const int8_t *const end = out + q.size / BATCH * BATCH; to != end; to += BATCH, in1 += BATCH, in2 += BATCH) {
    const uint32_t a = load_word(in1), b = load_word(in2);
    const uint32_t a02 = raise_even(a), b02 = raise_even(b), a13 = raise_odd(a), b13 = raise_odd(b);
    const int32_t y0 = round_sum(&q, scale_low_half(q.factor2, b02, scale_low_half(q.factor1, a02, q.offset)));
    const int32_t y1 = round_sum(&q, scale_low_half(q.factor2, b13, scale_low_half(q.factor1, a13, q.offset)));
    const int32_t y2 = round_sum(&q, scale_high_half(q.factor2, b02, scale_high_half(q.factor1, a02, q.offset)));
    const int32_t y3 = round_sum(&q, scale_high_half(q.factor2, b13, scale_high_half(q.factor1, a13, q.offset)));
    store_word(to, four_bytes(y0, y1, y2, y3));
  }
  for (; to != out + q.size; to++) {
    const int32_t sum = scale_low_half(q.factor1, (uint32_t)(*in1++ * 256), q.offset);
    *to = (int8_t)round_sum(&q, scale_low_half(q.factor2, (uint32_t)(*in2++ * 256), sum));
  }
  if (q.min > INT8_MIN || q.max < INT8_MAX) {
    alpharho_dsp_limit(out, q.size, q.min, q.max);
  }
}

// From twice a product. The sum rounds halves of negative products away from zero.
static inline int32_t round_product(const struct alpharho_dsp_mul *p, int32_t twice) {
  return saturated(multiply_high_add(twice, p->multiplier, p->rounding + (twice >> 31)) >> p->shift);
}

static inline uint32_t both_halves(int32_t x) { return ((uint32_t)x & 0xffffu) | (uint32_t)x << 16; }

void alpharho_dsp_mul(const struct alpharho_dsp_mul *p, const int8_t *in1, const int8_t *in2, int8_t *out) {
  const struct alpharho_dsp_mul q = *p;
  const uint32_t offset1 = both_halves(q.offset1), offset2 = both_halves(q.offset2);
  int8_t *to = out;
  for (int32_t row = 0; row < q.rows; row++) {
    const int8_t *second = in2;
    for (const int8_t *const end = to + q.size / BATCH * BATCH; to != end; to += BATCH, in1 += BATCH, second += BATCH) {
      const uint32_t a = load_word(in1), b = load_word(second);
      const uint32_t a02 = add_even(offset1, a), b02 = twice_halves(add_even(offset2, b));
      const uint32_t a13 = add_odd(offset1, a), b13 = twice_halves(add_odd(offset2, b));
      const int32_t y0 = round_product(&q, multiply_low_halves(a02, b02));
      const int32_t y1 = round_product(&q, multiply_low_halves(a13, b13));
      const int32_t y2 = round_product(&q, multiply_high_halves(a02, b02));
      const int32_t y3 = round_product(&q, multiply_high_halves(a13, b13));
      store_word(to, four_bytes(y0, y1, y2, y3));
    }
    for (int32_t i = q.size / BATCH * BATCH; i < q.size; i++) {
      *to++ = (int8_t)round_product(&q, 2 * (*in1++ + q.offset1) * (*second++ + q.offset2));
    }
  }
  if (q.min > INT8_MIN || q.max < INT8_MAX) {
    alpharho_dsp_limit(out, q.rows * q.size, q.min, q.max);
  }
}

static inline uint32_t look_up(const uint8_t *middle, uint32_t x) {
  return four_bytes(middle[(int8_t)x], middle[(int8_t)(x >> 8)], middle[(int8_t)(x >> 16)], middle[(int8_t)(x >> 24)]);
}

void alpharho_dsp_table(const int8_t *table, const int8_t *in, int8_t *out, int32_t size) {
  const uint8_t *const middle = (const uint8_t *)table - INT8_MIN;
  int8_t *to = out;
#pragma GCC unroll 2
  for (const int8_t *const end = out + size / BATCH * BATCH; to != end; to += BATCH, in += BATCH) {
    store_word(to, look_up(middle, load_word(in)));
  }
  for (; to != out + size; to++) {
    *to = (int8_t)middle[*in++];
  }
}
