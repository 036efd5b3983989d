// ADD, SUB and MUL, MEAN, FULLY_CONNECTED: eight int32 at a time, in the reference's own arithmetic. Included by each
// form, which defines words_t, struct scale, struct ending and the functions on them.
#ifndef KERNELS_SIMD_ELEMENTWISE_H
#define KERNELS_SIMD_ELEMENTWISE_H

#include <string.h>

#include "form.h"
#include "portable/fixed_point.h"
#include "portable/round_once.h"

enum { AT_ONCE = 16, ADD_HEADROOM_BITS = 20 };

enum operation { ADD, SUB, MUL };

struct pairs {
  words_t offset1, offset2;
  struct scale scale1, scale2, scale;
  struct ending end;
};

// Sixteen values from `from` on, of which `count` are there; all the first one if `step` is 0.
SIMD_INLINE void load_values(const int8_t *from, int32_t step, int32_t count, words_t values[2]) {
  if (step == 0) {
    values[0] = values[1] = splat(*from);
    return;
  }
  int8_t some[AT_ONCE] = {0};
  if (count < AT_ONCE) {
    memcpy(some, from, (size_t)count);
    from = some;
  }
  values[0] = widen(from);
  values[1] = widen(from + 8);
}

SIMD_INLINE words_t result(const struct pairs *s, const enum operation operation, words_t a, words_t b) {
  const words_t x = plus(a, s->offset1), y = plus(b, s->offset2);
  if (operation == MUL) {
    return scale_words(times(x, y), &s->scale);
  }
  const words_t first = scale_words(shift_left(x, ADD_HEADROOM_BITS), &s->scale1);
  const words_t second = scale_words(shift_left(y, ADD_HEADROOM_BITS), &s->scale2);
  return scale_words(operation == ADD ? plus(first, second) : minus(first, second), &s->scale);
}

SIMD_INLINE void pairs_of_row(const struct pairs *s, const enum operation operation, const int8_t *in1, int32_t step1,
                              const int8_t *in2, int32_t step2, int32_t size, int8_t *out) {
  for (int32_t i = 0; i < size; i += AT_ONCE) {
    const int32_t count = size - i < AT_ONCE ? size - i : AT_ONCE;
    words_t a[2], b[2];
    load_values(in1 + i * step1, step1, count, a);
    load_values(in2 + i * step2, step2, count, b);
    store_bytes(bytes_of(result(s, operation, a[0], b[0]), result(s, operation, a[1], b[1]), &s->end), count, out + i);
  }
}

// The elements of the last dimension are side by side in each input, or are one.
SIMD_INLINE void pairs_of(const struct pairs *s, const enum operation operation, const struct alpharho_broadcast *shape,
                          const int8_t *in1, const int8_t *in2, int8_t *out) {
  const int32_t size = shape->dims[3], *const step1 = shape->step1, *const step2 = shape->step2;
  for (int32_t i = 0; i < shape->dims[0]; i++) {
    for (int32_t j = 0; j < shape->dims[1]; j++) {
      for (int32_t k = 0; k < shape->dims[2]; k++, out += size) {
        pairs_of_row(s, operation, in1 + i * step1[0] + j * step1[1] + k * step1[2], step1[3],
                     in2 + i * step2[0] + j * step2[1] + k * step2[2], step2[3], size, out);
      }
    }
  }
}

SIMD_INLINE void add_or_sub(const struct alpharho_add *p, const enum operation operation, const int8_t *in1,
                            const int8_t *in2, int8_t *out) {
  const struct pairs s = {
      splat(p->offset1),
      splat(p->offset2),
      scale_of(p->multiplier1, p->shift1),
      scale_of(p->multiplier2, p->shift2),
      scale_of(p->multiplier, p->shift),
      ending_of(p->zero_point, p->min, p->max, 1),
  };
  pairs_of(&s, operation, &p->shape, in1, in2, out);
}

SIMD_INLINE void multiply_pairs(const struct alpharho_mul *p, const int8_t *in1, const int8_t *in2, int8_t *out) {
  const struct scale scale = scale_of(p->multiplier, p->shift);
  const struct pairs s = {
      splat(p->offset1), splat(p->offset2), scale, scale, scale, ending_of(p->zero_point, p->min, p->max, 1),
  };
  pairs_of(&s, MUL, &p->shape, in1, in2, out);
}

SIMD_INLINE void mean_of(const struct alpharho_mean *p, const int8_t *in, int8_t *out) {
  const struct scale scale = scale_of(p->multiplier, p->shift);
  const struct ending end = ending_of(p->zero_point, INT8_MIN, INT8_MAX, 1);
  for (int32_t o = 0; o < p->outer; o++, in += p->reduced * p->inner, out += p->inner) {
    for (int32_t i = 0; i < p->inner; i += AT_ONCE) {
      const int32_t count = p->inner - i < AT_ONCE ? p->inner - i : AT_ONCE;
      words_t sums[2] = {splat(p->offset), splat(p->offset)};
      for (int32_t r = 0; r < p->reduced; r++) {
        words_t values[2];
        load_values(in + r * p->inner + i, 1, count, values);
        sums[0] = plus(sums[0], values[0]);
        sums[1] = plus(sums[1], values[1]);
      }
      store_bytes(bytes_of(scale_words(sums[0], &scale), scale_words(sums[1], &scale), &end), count, out + i);
    }
  }
}

SIMD_INLINE void dense_rows(const struct alpharho_dense *p, const int8_t *in, int8_t *out) {
  const int32_t whole = p->in_c / AT_ONCE * AT_ONCE;
  for (int32_t row = 0; row < p->rows; row++, in += p->in_c) {
    for (int32_t c = 0; c < p->out_c; c++) {
      const int8_t *const weights = p->weights + c * p->in_c;
      uint32_t sum = (uint32_t)p->bias[c] + (uint32_t)dot_product(in, weights, whole);
      for (int32_t k = whole; k < p->in_c; k++) {
        sum += (uint32_t)(in[k] * weights[k]);
      }
      const int32_t i = c * p->step;
      const int32_t value = round_once((int32_t)sum, p->multiplier[i], p->shift[i], p->limit[i]);
      *out++ = (int8_t)clamp(value + p->zero_point, p->min, p->max);
    }
  }
}

#endif // KERNELS_SIMD_ELEMENTWISE_H
