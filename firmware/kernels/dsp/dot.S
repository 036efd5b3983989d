// One row of inputs against four rows of weights. dot.h says what the function does, dot.c has it in C.
#include "../assembly.inc"
#include "layout.h"

#ifdef KERNELS_DSP_ASSEMBLY

// Four taps of the inputs (r12: taps 0 and 2, lr: taps 1 and 3) times those of one row of weights.
  .macro MULTIPLY_ROW weights, sum
  sxtb16 r3, \weights
  smlad \sum, r12, r3, \sum
  sxtb16 r3, \weights, ror #8
  smlad \sum, lr, r3, \sum
  .endm

  .macro FOUR_TAPS
  ldrd r12, lr, [r0], #8
  ldmia r1!, {r4-r7}
  MULTIPLY_ROW r4, r8
  MULTIPLY_ROW r5, r9
  MULTIPLY_ROW r6, r10
  MULTIPLY_ROW r7, r11
  .endm

// const int32_t *alpharho_dsp_dot_four(const uint32_t *expanded, const int32_t *packed, int32_t taps, int32_t *sums)
//
// register  on entry  in the loop
// r0        expanded  next word of inputs           returned: the next word of packed
// r1        packed    next word of packed
// r2        taps      passes that follow, less one
// r3        sums      two weights, 16 bits each     (sums is on the stack meanwhile)
// r4-r7     -         four weights of rows 0 to 3, as bytes
// r8-r11    -         sums of rows 0 to 3
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
  stmia r3, {r8-r11}
  mov r0, r1
  pop {r4-r11, pc}
END_FUNCTION alpharho_dsp_dot_four

#endif // KERNELS_DSP_ASSEMBLY
