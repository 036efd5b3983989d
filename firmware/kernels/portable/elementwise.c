#include "fixed_point.h"
#include "portable.h"

enum { ADD_HEADROOM_BITS = 20 };

static int8_t add(const struct alpharho_add *p, int32_t a, int32_t b) {
  const int32_t x = scale((a + p->offset1) * (1 << ADD_HEADROOM_BITS), p->multiplier1, p->shift1);
  const int32_t y = scale((b + p->offset2) * (1 << ADD_HEADROOM_BITS), p->multiplier2, p->shift2);
  return (int8_t)clamp(scale(x + y, p->multiplier, p->shift) + p->zero_point, p->min, p->max);
}

static int8_t sub(const struct alpharho_add *p, int32_t a, int32_t b) {
  const int32_t x = scale((a + p->offset1) * (1 << ADD_HEADROOM_BITS), p->multiplier1, p->shift1);
  const int32_t y = scale((b + p->offset2) * (1 << ADD_HEADROOM_BITS), p->multiplier2, p->shift2);
  return (int8_t)clamp(scale(x - y, p->multiplier, p->shift) + p->zero_point, p->min, p->max);
}

static int8_t maximum(const struct alpharho_extremum *p, int8_t a, int8_t b) {
  (void)p;
  return a > b ? a : b;
}

static int8_t minimum(const struct alpharho_extremum *p, int8_t a, int8_t b) {
  (void)p;
  return a < b ? a : b;
}

static int8_t prelu(const struct alpharho_prelu *p, int32_t a, int32_t b) {
  const int32_t x = a + p->offset1;
  const int32_t value =
      x >= 0 ? scale(x, p->multiplier1, p->shift1) : scale(x * (b + p->offset2), p->multiplier2, p->shift2);
  return (int8_t)clamp(wrap_add(value, p->zero_point), INT8_MIN, INT8_MAX);
}

static int8_t mul(const struct alpharho_mul *p, int32_t a, int32_t b) {
  const int32_t product = scale((a + p->offset1) * (b + p->offset2), p->multiplier, p->shift);
  return (int8_t)clamp(wrap_add(product, p->zero_point), p->min, p->max);
}

// Visits all output elements in order; OPERATION sees `a` and `b`.
#define BROADCAST(shape, in1, in2, out, OPERATION)                                                                     \
  for (int32_t i = 0; i < (shape)->dims[0]; i++) {                                                                     \
    for (int32_t j = 0; j < (shape)->dims[1]; j++) {                                                                   \
      for (int32_t k = 0; k < (shape)->dims[2]; k++) {                                                                 \
        const int8_t *x = (in1) + i * (shape)->step1[0] + j * (shape)->step1[1] + k * (shape)->step1[2];               \
        const int8_t *y = (in2) + i * (shape)->step2[0] + j * (shape)->step2[1] + k * (shape)->step2[2];               \
        for (int32_t l = 0; l < (shape)->dims[3]; l++) {                                                               \
          *(out)++ = OPERATION(p, *x, *y);                                                                             \
          x += (shape)->step1[3];                                                                                      \
          y += (shape)->step2[3];                                                                                      \
        }                                                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
  }

void alpharho_add(const struct alpharho_add *p, const int8_t *in1, const int8_t *in2, int8_t *out) {
  BROADCAST(&p->shape, in1, in2, out, add)
}

void alpharho_sub(const struct alpharho_add *p, const int8_t *in1, const int8_t *in2, int8_t *out) {
  BROADCAST(&p->shape, in1, in2, out, sub)
}

void alpharho_maximum(const struct alpharho_extremum *p, const int8_t *in1, const int8_t *in2, int8_t *out) {
  BROADCAST(&p->shape, in1, in2, out, maximum)
}

void alpharho_minimum(const struct alpharho_extremum *p, const int8_t *in1, const int8_t *in2, int8_t *out) {
  BROADCAST(&p->shape, in1, in2, out, minimum)
}

void alpharho_prelu(const struct alpharho_prelu *p, const int8_t *in, const int8_t *slopes, int8_t *out) {
  BROADCAST(&p->shape, in, slopes, out, prelu)
}

void alpharho_mul(const struct alpharho_mul *p, const int8_t *in1, const int8_t *in2, int8_t *out) {
  BROADCAST(&p->shape, in1, in2, out, mul)
}

void alpharho_table(const int8_t *table, const int8_t *in, int8_t *out, int32_t size) {
  for (int32_t i = 0; i < size; i++) {
    out[i] = table[in[i] + 128];
  }
}
