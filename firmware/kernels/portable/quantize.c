#include <string.h>

#include "portable.h"

enum { STEPS = 256 };

// How many thresholds are at most the key: found by halves, as they never fall.
static int32_t count_reached(const int32_t *thresholds, int32_t key) {
  int32_t count = 0;
  for (int32_t half = STEPS / 2; half > 0; half /= 2) {
    if (thresholds[count + half - 1] <= key) {
      count += half;
    }
  }
  return count;
}

void alpharho_quantize(const int32_t *thresholds, const int8_t *in, int8_t *out, int32_t size) {
  for (int32_t i = 0; i < size; i++) {
    int32_t bits;
    memcpy(&bits, in + i * (int32_t)sizeof bits, sizeof bits);
    out[i] = (int8_t)(count_reached(thresholds, bits < 0 ? bits ^ INT32_MAX : bits) + INT8_MIN);
  }
}

void alpharho_dequantize(const int32_t *values, const int8_t *in, int8_t *out, int32_t size) {
  for (int32_t i = 0; i < size; i++) {
    memcpy(out + i * (int32_t)sizeof *values, &values[in[i] - INT8_MIN], sizeof *values);
  }
}
