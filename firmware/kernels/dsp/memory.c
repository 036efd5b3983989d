#include "memory.h"

#include <string.h>

#include "layout.h"

#ifndef KERNELS_DSP_ASSEMBLY // memory.S has this function.

void alpharho_dsp_copy_words(int8_t *to, const int8_t *from, int32_t size) { memcpy(to, from, (size_t)size); }

#endif

void alpharho_dsp_fill_words(int8_t *to, int8_t value, int32_t size) {
  uint32_t *t = (void *)to;
  const uint32_t word = (uint8_t)value * 0x01010101u;
  for (int32_t i = 0; i < size / 4; i++) {
    // Without this, the compiler replaces the loop by a call of memset.
    __asm__ volatile("");
    *t++ = word;
  }
}

void alpharho_dsp_limit(int8_t *values, int32_t size, int32_t min, int32_t max) {
  for (int32_t i = 0; i < size; i++) {
    const int32_t x = values[i] < min ? min : values[i];
    values[i] = (int8_t)(x > max ? max : x);
  }
}
