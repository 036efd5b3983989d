#include "memory.h"

enum { CHUNK_WORDS = 8 };

void alpharho_dsp_copy_words(int8_t *to, const int8_t *from, int32_t size) {
  uint32_t *t = (void *)to;
  const uint32_t *f = (const void *)from;
  const uint32_t *const end = f + size / 4;
  for (const uint32_t *const chunks = f + size / 4 / CHUNK_WORDS * CHUNK_WORDS; f != chunks;) {
#ifdef __thumb2__
    // gcc keeps no more than two words in flight.
    __asm__ volatile("ldmia %0!, {r4-r6, r8-r12} \n"
                     "stmia %1!, {r4-r6, r8-r12} \n"
                     : "+r"(f), "+r"(t)
                     :
                     : "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "memory");
#else
    for (int32_t i = 0; i < CHUNK_WORDS; i++) {
      *t++ = *f++;
    }
#endif
  }
  while (f != end) {
    *t++ = *f++;
  }
}

void alpharho_dsp_fill_words(int8_t *to, int8_t value, int32_t size) {
  uint32_t *t = (void *)to;
  const uint32_t word = (uint8_t)value * 0x01010101u;
  for (int32_t i = 0; i < size / 4; i++) {
    // The compiler would make this loop a call of memset.
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
