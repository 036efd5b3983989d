#include "memory.h"

#include <string.h>

#include "instructions.h"

#ifdef KERNELS_MVE_ASSEMBLY

// gcc makes no loops with tail predication of its own.

void copy_bytes(int8_t *to, const int8_t *from, int32_t size) {
  __asm__ volatile("wlstp.8 lr, %2, 2f \n"
                   "1: vldrb.8 q0, [%1], #16 \n"
                   "vstrb.8 q0, [%0], #16 \n"
                   "letp lr, 1b \n"
                   "2: \n"
                   : "+r"(to), "+r"(from)
                   : "r"(size)
                   : "q0", "lr", "memory");
}

void fill_bytes(int8_t *to, int8_t value, int32_t size) {
  __asm__ volatile("vdup.8 q0, %1 \n"
                   "wlstp.8 lr, %2, 2f \n"
                   "1: vstrb.8 q0, [%0], #16 \n"
                   "letp lr, 1b \n"
                   "2: \n"
                   : "+r"(to)
                   : "r"(value), "r"(size)
                   : "q0", "lr", "memory");
}

void limit(int8_t *values, int32_t size, int32_t min, int32_t max) {
  __asm__ volatile("vdup.8 q1, %1 \n"
                   "vdup.8 q2, %2 \n"
                   "wlstp.8 lr, %3, 2f \n"
                   "1: vldrb.8 q0, [%0] \n"
                   "vmax.s8 q0, q0, q1 \n"
                   "vmin.s8 q0, q0, q2 \n"
                   "vstrb.8 q0, [%0], #16 \n"
                   "letp lr, 1b \n"
                   "2: \n"
                   : "+r"(values)
                   : "r"(min), "r"(max), "r"(size)
                   : "q0", "q1", "q2", "lr", "memory");
}

#else

void copy_bytes(int8_t *to, const int8_t *from, int32_t size) { memcpy(to, from, (size_t)size); }

void fill_bytes(int8_t *to, int8_t value, int32_t size) { memset(to, value, (size_t)size); }

void limit(int8_t *values, int32_t size, int32_t min, int32_t max) {
  for (int32_t i = 0; i < size; i++) {
    values[i] = (int8_t)clamp(values[i], min, max);
  }
}

#endif
