#include "multiply.h"

#include "instructions.h"

// The code of the inner loop is this often unrolled; each unit is UNIT_CODE_BYTES long.
enum { UNITS = 8, UNIT_CODE_BYTES = 100 };

void alpharho_dsp_multiply_job_set(struct multiply_job *job, const int32_t *packed, int32_t channels,
                                   const uint32_t *inputs, int32_t depth, int32_t zero_point) {
  const int32_t units = depth / UNIT_TAPS;
  job->packed = packed;
  job->packed_end = packed + channels * (depth / BLOCK_TAPS + 3);
  job->inputs = inputs;
  job->inputs_end = inputs + depth / BLOCK_TAPS * BLOCK_WORDS;
  job->rounding = 2 * zero_point + 1;
  // The first pass over the unrolled loop enters in its middle, so that the last one ends at its end.
  job->skip = (uint32_t)((UNITS - 1 - (units - 1) % UNITS) * UNIT_CODE_BYTES);
}

#ifdef KERNELS_DSP_ASSEMBLY

// With taps a (two of a pixel) and weights b (the same two): r8 to r11 are the sums of the four pixels.
#define MULTIPLY_FOUR                                                                                                  \
  "smlad r8, r4, r12, r8 \n"                                                                                           \
  "smlad r9, r5, r12, r9 \n"                                                                                           \
  "smlad r10, r6, r12, r10 \n"                                                                                         \
  "smlad r11, r7, r12, r11 \n"

// As requantise() does it.
#define REQUANTISE(sum)                                                                                                \
  "smmlar " sum ", " sum ", r4, " sum " \n"                                                                            \
  "add " sum ", " sum ", " sum ", asr #31 \n"                                                                          \
  "asr " sum ", " sum ", r5 \n"                                                                                        \
  "add " sum ", " sum ", r6 \n"                                                                                        \
  "ssat " sum ", #8, " sum ", asr #1 \n"

__attribute__((naked)) void alpharho_dsp_multiply_pixels(const struct multiply_job *job) {
  // r0 inputs, r1 packed, r2 and r3 weights as bytes, r4 to r7 inputs of the four pixels, r8 to r11 their sums, r12 two
  // weights, lr end of inputs. On the stack: packed_end, inputs, rounding, out, next[3], where to enter the loop.
  __asm__ volatile("push {r4-r11, lr} \n"
                   "ldm r0, {r1-r10} \n"
                   "adr.w r11, 2f \n"
                   "add r11, r11, r10 \n"
                   "orr r11, r11, #1 \n"
                   "push {r2, r3, r5, r6, r7, r8, r9, r11} \n"
                   "mov lr, r4 \n"
                   "mov r0, r3 \n"
                   "1: ldr r8, [r1], #4 \n"
                   "mov r9, r8 \n"
                   "mov r10, r8 \n"
                   "mov r11, r8 \n"
                   "ldr pc, [sp, #28] \n"
                   ".balign 4 \n"
                   "2: .rept 8 \n"
                   "ldmia.w r0!, {r4-r7} \n"
                   "ldrd r2, r3, [r1], #8 \n"
                   "sxtb16 r12, r2 \n" MULTIPLY_FOUR "ldmia.w r0!, {r4-r7} \n"
                   "sxtb16 r12, r2, ror #8 \n" MULTIPLY_FOUR "ldmia.w r0!, {r4-r7} \n"
                   "sxtb16 r12, r3 \n" MULTIPLY_FOUR "ldmia.w r0!, {r4-r7} \n"
                   "sxtb16 r12, r3, ror #8 \n" MULTIPLY_FOUR ".endr \n"
                   ".if . - 2b - 8 * 100 \n"
                   ".error \"UNIT_CODE_BYTES is wrong\" \n"
                   ".endif \n"
                   "cmp r0, lr \n"
                   "bne 2b \n"
                   "ldrd r4, r5, [r1], #8 \n"
                   "ldrd r6, r7, [sp, #8] \n" REQUANTISE("r8") REQUANTISE("r9") REQUANTISE("r10")
                       REQUANTISE("r11") "ldrd r2, r3, [sp, #16] \n"
                                         "ldr r12, [sp, #24] \n"
                                         "strb r9, [r7, r2] \n"
                                         "strb r10, [r7, r3] \n"
                                         "strb r11, [r7, r12] \n"
                                         "strb r8, [r7], #1 \n"
                                         "ldrd r12, r0, [sp] \n"
                                         "str r7, [sp, #12] \n"
                                         "cmp r1, r12 \n"
                                         "bne 1b \n"
                                         "add sp, #32 \n"
                                         "pop {r4-r11, pc} \n");
  (void)job;
}

__attribute__((naked)) void alpharho_dsp_expand_pixels(const struct expand_job *job) {
  __asm__ volatile("push {r4-r11, lr} \n"
                   "ldm r0, {r0-r3, r12, lr} \n"
                   "1: ldr r8, [r0], #4 \n"
                   "ldr r9, [r1], #4 \n"
                   "ldr r10, [r2], #4 \n"
                   "ldr r11, [r3], #4 \n"
                   "sxtb16 r4, r8 \n"
                   "sxtb16 r5, r9 \n"
                   "sxtb16 r6, r10 \n"
                   "sxtb16 r7, r11 \n"
                   "sxtb16 r8, r8, ror #8 \n"
                   "sxtb16 r9, r9, ror #8 \n"
                   "sxtb16 r10, r10, ror #8 \n"
                   "sxtb16 r11, r11, ror #8 \n"
                   "stmia r12!, {r4-r11} \n"
                   "cmp r12, lr \n"
                   "bne 1b \n"
                   "pop {r4-r11, pc} \n");
  (void)job;
}

#else // The same in C, for tests on other machines.

void alpharho_dsp_multiply_pixels(const struct multiply_job *job) {
  int8_t *out = job->out;
  for (const int32_t *w = job->packed; w != job->packed_end; out++) {
    uint32_t sum[PIXELS];
    for (int32_t i = 0; i < PIXELS; i++) {
      sum[i] = (uint32_t)*w;
    }
    w++;
    for (const uint32_t *x = job->inputs; x != job->inputs_end; x += BLOCK_WORDS, w++) {
      for (int32_t i = 0; i < PIXELS; i++) {
        sum[i] = multiply_pairs(x[i], expand_even((uint32_t)*w), sum[i]);
        sum[i] = multiply_pairs(x[PIXELS + i], expand_odd((uint32_t)*w), sum[i]);
      }
    }
    for (int32_t i = PIXELS - 1; i >= 0; i--) {
      out[i ? job->next[i - 1] : 0] = requantise((int32_t)sum[i], w[0], w[1], job->rounding);
    }
    w += 2;
  }
}

void alpharho_dsp_expand_pixels(const struct expand_job *job) {
  int32_t at = 0;
  for (uint32_t *to = job->to; to != job->end; to += BLOCK_WORDS, at += BLOCK_TAPS) {
    for (int32_t i = 0; i < PIXELS; i++) {
      const uint32_t four = load_word(job->rows[i] + at);
      to[i] = expand_even(four);
      to[PIXELS + i] = expand_odd(four);
    }
  }
}

#endif
