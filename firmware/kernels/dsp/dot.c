#include "dot.h"

#include "instructions.h"

enum { WORD_TAPS = 4 };

void alpharho_dsp_dot_expand(const int8_t *in, uint32_t *expanded, int32_t taps) {
  for (const int8_t *const end = in + taps; in != end; in += WORD_TAPS) {
    const uint32_t four = load_word(in);
    *expanded++ = expand_even(four);
    *expanded++ = expand_odd(four);
  }
}

#ifdef KERNELS_DSP_ASSEMBLY

#define ROW(weights, sum)                                                                                              \
  "sxtb16 r3, " weights " \n"                                                                                          \
  "smlad " sum ", r12, r3, " sum " \n"                                                                                 \
  "sxtb16 r3, " weights ", ror #8 \n"                                                                                  \
  "smlad " sum ", lr, r3, " sum " \n"

#define FOUR_TAPS                                                                                                      \
  "ldrd r12, lr, [r0], #8 \n"                                                                                          \
  "ldmia r1!, {r4-r7} \n" ROW("r4", "r8") ROW("r5", "r9") ROW("r6", "r10") ROW("r7", "r11")

// r0 inputs, r1 packed, r2 passes left, r4 to r7 weights, r8 to r11 sums, r12 and lr inputs. Eight taps a pass; of an
// odd number of words, the first enters in the middle.
__attribute__((naked)) const int32_t *alpharho_dsp_dot_four(const uint32_t *expanded, const int32_t *packed,
                                                            int32_t taps, int32_t *sums) {
  __asm__ volatile("push {r3-r11, lr} \n"
                   "ldmia r1!, {r8-r11} \n"
                   "lsrs r2, r2, #3 \n"
                   "bcs 2f \n"
                   "sub r2, #1 \n"
                   "1: \n" FOUR_TAPS "2: \n" FOUR_TAPS "subs r2, #1 \n"
                   "bpl 1b \n"
                   "pop {r3} \n"
                   "stmia r3, {r8-r11} \n"
                   "mov r0, r1 \n"
                   "pop {r4-r11, pc} \n");
  (void)expanded, (void)packed, (void)taps, (void)sums;
}

#else // The same in C, for tests on other machines.

const int32_t *alpharho_dsp_dot_four(const uint32_t *expanded, const int32_t *packed, int32_t taps, int32_t *sums) {
  for (int32_t i = 0; i < DOT_ROWS; i++) {
    const int32_t *w = packed + DOT_ROWS + i;
    uint32_t sum = (uint32_t)packed[i];
    for (const uint32_t *x = expanded, *const end = x + taps / 2; x != end; x += 2, w += DOT_ROWS) {
      sum = multiply_pairs(x[0], expand_even((uint32_t)*w), sum);
      sum = multiply_pairs(x[1], expand_odd((uint32_t)*w), sum);
    }
    sums[i] = (int32_t)sum;
  }
  return packed + DOT_ROWS + DOT_ROWS * taps / WORD_TAPS;
}

#endif

const int32_t *alpharho_dsp_dot_one(const uint32_t *expanded, const int32_t *packed, int32_t taps, int32_t *sum) {
  uint32_t total = (uint32_t)*packed++;
  for (const uint32_t *const end = expanded + taps / 2; expanded != end; expanded += 2, packed++) {
    total = multiply_pairs(expanded[0], expand_even((uint32_t)*packed), total);
    total = multiply_pairs(expanded[1], expand_odd((uint32_t)*packed), total);
  }
  *sum = (int32_t)total;
  return packed;
}
