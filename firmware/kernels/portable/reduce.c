#include "portable.h"

static int8_t greater(int8_t a, int8_t b) { return a > b ? a : b; }

static int8_t less(int8_t a, int8_t b) { return a < b ? a : b; }

#define REDUCE(p, in, out, OPERATION)                                                                                  \
  for (int32_t o = 0; o < (p)->outer; o++, (in) += (p)->reduced * (p)->inner) {                                        \
    for (int32_t i = 0; i < (p)->inner; i++) {                                                                         \
      const int8_t *from = (in) + i;                                                                                   \
      int8_t value = *from;                                                                                            \
      for (int32_t r = 1; r < (p)->reduced; r++) {                                                                     \
        from += (p)->inner;                                                                                            \
        value = OPERATION(value, *from);                                                                               \
      }                                                                                                                \
      *(out)++ = value;                                                                                                \
    }                                                                                                                  \
  }

void alpharho_reduce_max(const struct alpharho_reduce *p, const int8_t *in, int8_t *out) { REDUCE(p, in, out, greater) }

void alpharho_reduce_min(const struct alpharho_reduce *p, const int8_t *in, int8_t *out) { REDUCE(p, in, out, less) }
