// One row of inputs against four rows of weights. dot.h says what the function does, dot.c has it in C.
#include "../assembly.inc"
#include "layout.h"

#ifdef KERNELS_DSP_ASSEMBLY

// Two taps of two pairs of channels: the sums of both channels take the weights as they are, those of the first one
// their lower bytes. On a Cortex-M7 an expansion issues beside the multiplication behind it.
  .macro TWO_TAPS inputs, first, second
  sxtb16 r3, \first
  smlad r9, \inputs, \first, r9
  sxtb16 \first, \second
  smlad r11, \inputs, \second, r11
  smlad r8, \inputs, r3, r8
  smlad r10, \inputs, \first, r10
  .endm

// On a Cortex-M4 a group of n loads takes n + 1 cycles; the last ones move their bases.
  .macro FOUR_TAPS
  ldr lr, [r0, #4]
  ldr r12, [r0], #8
  ldr r6, [r1, #8]
  ldr r5, [r1, #4]
  ldr r7, [r1, #12]
  ldr r4, [r1], #16
  TWO_TAPS r12, r4, r6
  TWO_TAPS lr, r5, r7
  .endm

// const int32_t *alpharho_dsp_dot_four(const uint32_t *expanded, const int32_t *packed, int32_t taps, int32_t *sums)
//
// register  on entry  in the loop
// r0        expanded  next word of inputs                  returned: the next word of packed
// r1        packed    next word of packed
// r2        taps      passes that follow, less one
// r3        sums      lower bytes of weights, 16 bits each (sums is on the stack meanwhile)
// r4, r5    -         weights of channels a and b, inputs 0 and 2, 1 and 3
// r6, r7    -         the same of channels c and d
// r8, r9    -         sums of channel a, and of a and b
// r10, r11  -         sums of channel c, and of c and d
// r12, lr   -         inputs 0 and 2, inputs 1 and 3
//
// A pass takes eight taps; the first enters in the middle where the number of words is odd.
FUNCTION alpharho_dsp_dot_four
  push {r3-r11, lr}
  ldmia r1!, {r8-r11} // biases
  lsrs r2, r2, #3     // carry: an odd number of words
  bcs .Lsecond_half
  sub r2, #1
.Lfirst_half:
  FOUR_TAPS
.Lsecond_half:
  FOUR_TAPS
  subs r2, #1
  bpl .Lfirst_half
  pop {r3}
  sub r9, r9, r8
  sub r11, r11, r10
  asr r9, r9, #8
  asr r11, r11, #8
  stmia r3, {r8-r11}
  mov r0, r1
  pop {r4-r11, pc}
END_FUNCTION alpharho_dsp_dot_four

#endif // KERNELS_DSP_ASSEMBLY
