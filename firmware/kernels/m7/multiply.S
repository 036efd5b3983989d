// The inner loop of the set's convolutions. multiply.h says what the functions do, ../dsp/multiply_in_c.h has them in C.
#include "../assembly.inc"
#include "layout.h"

#ifdef KERNELS_DSP_ASSEMBLY

#include "../dsp/multiply.inc"

// Two taps of three pixels and two channels. A multiplication does not issue beside another, and an LDM or LDRD not
// beside anything: so each has a single load or an expansion beside it, and what is loaded is of the next unit.
  .macro MULTIPLY_UNIT
  smlad r8, r5, r3, r8
  ldr.w r7, [r0], #12
  sxtb16 r4, r2, ror #8
  smlad r9, r6, r3, r9
  smlad r10, r7, r3, r10
  ldr.w r2, [r1], #4
  smlad r11, r5, r4, r11
  ldr.w r5, [r0, #-8]
  smlad r12, r6, r4, r12
  ldr.w r6, [r0, #-4]
  sxtb16 r3, r2
  smlad lr, r7, r4, lr
  .endm

// void alpharho_m7_multiply(const struct multiply_job *job)
//
// register     on entry  in the loop over taps            storing two channels
// r0           job       pixel 2 of the unit              inputs
// r1           -         next word of packed              the same
// r2           -         the next word of weights         multiplier of channel a; then out of pixel 0
// r3           -         weights of channel a             what is added to its products; then steps[0]
// r4           -         weights of channel b             its right shift; then steps[1]
// r5, r6, r7   -         inputs of pixels 0, 1, 2         the same of channel b; r5: out of pixel 1, r6: of pixel 2
// r8-r10       -         sums of pixels 0 to 2, channel a their outputs, then with those of channel b
// r11, r12, lr -         the same of channel b            outputs
//
// The frame is that of ../dsp/multiply.inc.
FUNCTION alpharho_m7_multiply
  BEGIN_MULTIPLY 8
.Lpair:
  ldrd r8, r11, [r1] // twice the biases
  ldr r2, [r1, #8]
  adds r1, #12
  ldrd r5, r6, [r0], #8
  mov r9, r8
  mov r12, r11
  mov r10, r8
  mov lr, r11
  sxtb16 r3, r2
  ldr.w pc, [sp, #FRAME_ENTRY]
  .balign 8
.Lunits:
  .rept M7_MULTIPLY_UNITS
  MULTIPLY_UNIT
  .endr
  .if . - .Lunits - M7_MULTIPLY_UNITS * M7_MULTIPLY_CODE_BYTES
  .error "M7_MULTIPLY_CODE_BYTES is not the size of MULTIPLY_UNIT"
  .endif
  ldr.w r4, [sp, #FRAME_INPUTS_END]
  ldr.w r7, [sp, #FRAME_NEGATIVES]
  cmp r0, r4
  bne.w .Lunits
  ldrd r3, r4, [r1]     // of channel a what is added and the shift: r2 is ahead
  ldrd r5, r6, [r1, #8] // of channel b multiplier and what is added
  cmp r7, #0
  bne.w .Lsigned
  smmlar r8, r8, r2, r3
  ldr r7, [r1, #16]
  smmlar r9, r9, r2, r3
  adds r1, #20
  smmlar r10, r10, r2, r3
  asr r8, r8, r4
  smmlar r11, r11, r5, r6
  asr r9, r9, r4
  smmlar r12, r12, r5, r6
  asr r10, r10, r4
  smmlar lr, lr, r5, r6
  asr r11, r11, r7
.Lsaturate:
  ldrd r2, r3, [sp, #FRAME_OUT]
  ssat r8, #8, r8
  asr r12, r12, r7
  ssat r11, #8, r11
  asr lr, lr, r7
  ssat r9, #8, r9
  ldr r4, [sp, #FRAME_STEPS + 4]
  ssat r12, #8, r12
  add r5, r2, r3
  bfi r8, r11, #8, #8
  ldr r0, [sp, #FRAME_INPUTS]
  ssat r10, #8, r10
  add r6, r5, r4
  ssat lr, #8, lr
  strh.w r8, [r2], #2
  bfi r9, r12, #8, #8
  ldr r7, [sp, #FRAME_PACKED_END]
  bfi r10, lr, #8, #8
  strh.w r9, [r5]
  cmp r1, r7
  str r2, [sp, #FRAME_OUT]
  strh.w r10, [r6]
  bne.w .Lpair
  add sp, #FRAME_BYTES
  pop {r4-r11, pc}
// Halves of negative sums are rounded away from 0: less 1 before the shift.
.Lsigned:
  smmlar r0, r8, r2, r3
  smmlar r7, r9, r2, r3
  add r8, r0, r8, asr #31
  smmlar r0, r10, r2, r3
  add r9, r7, r9, asr #31
  smmlar r2, r11, r5, r6
  add r10, r0, r10, asr #31
  smmlar r3, r12, r5, r6
  add r11, r2, r11, asr #31
  smmlar r0, lr, r5, r6
  add r12, r3, r12, asr #31
  ldr r7, [r1, #16]
  adds r1, #20
  asr r8, r8, r4
  add lr, r0, lr, asr #31
  asr r9, r9, r4
  asr r10, r10, r4
  asr r11, r11, r7
  b.w .Lsaturate
END_FUNCTION alpharho_m7_multiply

// void alpharho_m7_expand(const struct expand_job *job)
//
// register  on entry  in the loop
// r0        job       next word of row 0
// r1, r2    -         next words of rows 1 and 2
// r4-r6     -         taps 0 and 2 of the rows
// r7-r9     -         four taps of the rows; then taps 1 and 3
// r12       -         next word to write
// lr        return    end of what is written
FUNCTION alpharho_m7_expand
  push {r4-r9, lr}
  CHECK_ADJACENT EXPAND_JOB_ROWS, EXPAND_JOB_END, 6
  ldm r0, {r0-r3, r12, lr} // rows[0..3], to, end
.Lexpand:
  ldr r7, [r0], #4
  ldr r8, [r1], #4
  ldr r9, [r2], #4
  sxtb16 r4, r7
  sxtb16 r5, r8
  sxtb16 r6, r9
  sadd16 r4, r4, r4
  sxtb16 r7, r7, ror #8
  sadd16 r5, r5, r5
  sxtb16 r8, r8, ror #8
  sadd16 r6, r6, r6
  sxtb16 r9, r9, ror #8
  sadd16 r7, r7, r7
  sadd16 r8, r8, r8
  sadd16 r9, r9, r9
  stmia r12!, {r4-r9}
  cmp r12, lr
  bne .Lexpand
  pop {r4-r9, pc}
END_FUNCTION alpharho_m7_expand

  EXPAND_RGB alpharho_m7_expand_rgb, 3, 0

#endif // KERNELS_DSP_ASSEMBLY
