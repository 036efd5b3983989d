// Inputs of four pixels as 16-bit halves. multiply.h says what the function does, ../dsp/multiply_in_c.h has it in C.
#include "../assembly.inc"
#include "layout.h"

#ifdef KERNELS_DSP_ASSEMBLY

// void alpharho_m7_expand(const struct expand_job *job)
//
// register  on entry  in the loop
// r0        job       next word of row 0
// r1-r3     -         next words of rows 1 to 3
// r4-r7     -         taps 0 and 2 of rows 3, 0, 1, 2
// r8-r11    -         four taps of these rows; then taps 1 and 3
// r12       -         next word to write
// lr        return    end of what is written
//
// An expansion issues as the first of two instructions, before a load of another row or a store.
FUNCTION alpharho_m7_expand
  push {r4-r11, lr}
  CHECK_ADJACENT EXPAND_JOB_ROWS, EXPAND_JOB_END, 6
  ldm r0, {r0-r3, r12, lr} // rows[0..3], to, end
.Lexpand:
  ldr r9, [r0], #4
  ldr r10, [r1], #4
  sxtb16 r5, r9
  ldr r11, [r2], #4
  sxtb16 r9, r9, ror #8
  ldr r8, [r3], #4
  sxtb16 r6, r10
  add r12, #32
  sxtb16 r10, r10, ror #8
  str r5, [r12, #-28]
  sxtb16 r7, r11
  str r9, [r12, #-12]
  sxtb16 r11, r11, ror #8
  str r6, [r12, #-24]
  sxtb16 r4, r8
  str r10, [r12, #-8]
  sxtb16 r8, r8, ror #8
  str r7, [r12, #-20]
  cmp r12, lr
  str r11, [r12, #-4]
  str r4, [r12, #-32]
  str r8, [r12, #-16]
  bne .Lexpand
  pop {r4-r11, pc}
END_FUNCTION alpharho_m7_expand

#endif // KERNELS_DSP_ASSEMBLY
