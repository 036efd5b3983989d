#include "dot.h"

#if defined(__thumb__) && !defined(__thumb2__)

// 16 instructions for four products; of C, the compiler makes 23. Armv6-M loads signed bytes by two low registers only:
// k (r2) and k + depth (r3) are offsets into both `rows` (r0) and `weights` (r1). The sums are in r8 to r11.
__attribute__((naked)) void alpharho_dot_two_by_two(const int8_t *rows, const int8_t *weights, int32_t depth,
                                                    uint32_t sums[4]) {
  __asm__ volatile(".syntax unified \n"
                   "push {r3-r7, lr} \n"
                   "mov r4, r8 \n"
                   "mov r5, r9 \n"
                   "mov r6, r10 \n"
                   "mov r7, r11 \n"
                   "push {r4-r7} \n"
                   "ldmia r3!, {r4-r7} \n"
                   "mov r8, r4 \n"
                   "mov r9, r5 \n"
                   "mov r10, r6 \n"
                   "mov r11, r7 \n"
                   "lsls r3, r2, #1 \n"
                   "subs r3, #1 \n"
                   "subs r2, #1 \n"
                   "1: ldrsb r4, [r0, r2] \n"
                   "ldrsb r5, [r0, r3] \n"
                   "ldrsb r6, [r1, r2] \n"
                   "movs r7, r6 \n"
                   "muls r7, r4, r7 \n"
                   "add r8, r7 \n"
                   "muls r6, r5, r6 \n"
                   "add r9, r6 \n"
                   "ldrsb r6, [r1, r3] \n"
                   "muls r4, r6, r4 \n"
                   "add r10, r4 \n"
                   "muls r5, r6, r5 \n"
                   "add r11, r5 \n"
                   "subs r3, #1 \n"
                   "subs r2, #1 \n"
                   "bpl 1b \n"
                   "ldr r3, [sp, #16] \n"
                   "mov r4, r8 \n"
                   "mov r5, r9 \n"
                   "mov r6, r10 \n"
                   "mov r7, r11 \n"
                   "stmia r3!, {r4-r7} \n"
                   "pop {r4-r7} \n"
                   "mov r8, r4 \n"
                   "mov r9, r5 \n"
                   "mov r10, r6 \n"
                   "mov r11, r7 \n"
                   "pop {r3-r7, pc} \n");
  (void)rows, (void)weights, (void)depth, (void)sums;
}

#else

enum { UNROLLED = 4 };

#if defined(__thumb2__)

// As the compiler does not do it: all addresses advance as they are used.
#define FOUR_PRODUCTS                                                                                                  \
  "ldrsb %[x], [%[row0]], #1 \n"                                                                                       \
  "ldrsb %[z], [%[row1]], #1 \n"                                                                                       \
  "ldrsb %[y], [%[w0]], #1 \n"                                                                                         \
  "mla %[a0], %[x], %[y], %[a0] \n"                                                                                    \
  "mla %[a1], %[z], %[y], %[a1] \n"                                                                                    \
  "ldrsb %[y], [%[w1]], #1 \n"                                                                                         \
  "mla %[a2], %[x], %[y], %[a2] \n"                                                                                    \
  "mla %[a3], %[z], %[y], %[a3] \n"

#endif

void alpharho_dot_two_by_two(const int8_t *rows, const int8_t *weights, int32_t depth, uint32_t sums[4]) {
  const int8_t *row0 = rows, *row1 = rows + depth, *w0 = weights, *w1 = weights + depth;
  const int8_t *const end = row1;
  uint32_t a0 = sums[0], a1 = sums[1], a2 = sums[2], a3 = sums[3];
#if defined(__thumb2__)
  if (depth >= UNROLLED) {
    const int8_t *const unrolled = row0 + depth / UNROLLED * UNROLLED;
    uint32_t x, y, z;
    __asm__ volatile("1: \n" FOUR_PRODUCTS FOUR_PRODUCTS FOUR_PRODUCTS FOUR_PRODUCTS "cmp %[row0], %[end] \n"
                     "bne 1b \n"
                     : [row0] "+r"(row0), [row1] "+r"(row1), [w0] "+r"(w0), [w1] "+r"(w1), [a0] "+r"(a0), [a1] "+r"(a1),
                       [a2] "+r"(a2), [a3] "+r"(a3), [x] "=&r"(x), [y] "=&r"(y), [z] "=&r"(z)
                     : [end] "r"(unrolled)
                     : "cc", "memory");
  }
#endif
  while (row0 != end) {
    const int32_t x0 = *row0++, x1 = *row1++, y0 = *w0++, y1 = *w1++;
    a0 += (uint32_t)(x0 * y0);
    a1 += (uint32_t)(x1 * y0);
    a2 += (uint32_t)(x0 * y1);
    a3 += (uint32_t)(x1 * y1);
  }
  sums[0] = a0;
  sums[1] = a1;
  sums[2] = a2;
  sums[3] = a3;
}

#endif
