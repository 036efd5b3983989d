// The inner loops of the set's convolutions. multiply.h says what the functions do, multiply.c has them in C.
#include "../assembly.inc"
#include "layout.h"

#ifdef KERNELS_DSP_ASSEMBLY

// Two taps of each of four pixels (r4-r7) times the same two taps of one channel's weights (r12).
  .macro MULTIPLY_FOUR
  smlad r8, r4, r12, r8
  smlad r9, r5, r12, r9
  smlad r10, r6, r12, r10
  smlad r11, r7, r12, r11
  .endm

// Two words of weights are eight taps of a channel: taps 0 and 2 of a word meet the first word of inputs of each pixel,
// taps 1 and 3 the second.
  .macro MULTIPLY_UNIT
  ldmia.w r0!, {r4-r7}
  ldrd r2, r3, [r1], #8
  sxtb16 r12, r2
  MULTIPLY_FOUR
  ldmia.w r0!, {r4-r7}
  sxtb16 r12, r2, ror #8
  MULTIPLY_FOUR
  ldmia.w r0!, {r4-r7}
  sxtb16 r12, r3
  MULTIPLY_FOUR
  ldmia.w r0!, {r4-r7}
  sxtb16 r12, r3, ror #8
  MULTIPLY_FOUR
  .endm

// As requantize() of instructions.h: r4 is the doubled multiplier, r5 the right shift - 1, r6 the rounding.
  .macro REQUANTIZE sum
  smmlar \sum, \sum, r4, \sum
  add \sum, \sum, \sum, asr #31
  asr \sum, \sum, r5
  add \sum, \sum, r6
  ssat \sum, #8, \sum, asr #1
  .endm

// void alpharho_dsp_multiply_pixels(const struct multiply_job *job)
//
// register  on entry  in the loop over taps         storing a channel
// r0        job       next word of inputs           inputs (reloaded at the end)
// r1        -         next word of packed           next word of packed
// r2, r3    -         eight weights, as bytes       how far pixels 1 and 2 are behind pixel 0
// r4        -         two inputs of pixel 0         doubled multiplier
// r5        -         two inputs of pixel 1         right shift - 1
// r6        -         two inputs of pixel 2         rounding
// r7        -         two inputs of pixel 3         out of pixel 0
// r8-r11    -         sums of pixels 0 to 3         outputs of pixels 0 to 3
// r12       -         two weights, 16 bits each     how far pixel 3 is behind pixel 0; then packed_end
// lr        return    end of inputs                 end of inputs
//
// The frame, above which are r4-r11 and lr:
#define FRAME_PACKED_END 0
#define FRAME_INPUTS     4
#define FRAME_ROUNDING   8
#define FRAME_OUT        12
#define FRAME_NEXT_1     16
#define FRAME_NEXT_2     20
#define FRAME_NEXT_3     24
#define FRAME_ENTRY      28 // where the first pass enters the unrolled loop
#define FRAME_BYTES      32

FUNCTION alpharho_dsp_multiply_pixels
  push {r4-r11, lr}
  CHECK_ADJACENT MULTIPLY_JOB_PACKED, MULTIPLY_JOB_SKIP, 10
  ldm r0, {r1-r10} // packed, packed_end, inputs, inputs_end, rounding, out, next[0..2], skip
  adr.w r11, .Lunits
  add r11, r11, r10
  orr r11, r11, #1 // a Thumb address
  push {r2, r3, r5, r6, r7, r8, r9, r11}
  mov lr, r4
  mov r0, r3
.Lchannel:
  ldr r8, [r1], #4 // bias
  mov r9, r8
  mov r10, r8
  mov r11, r8
  ldr pc, [sp, #FRAME_ENTRY]
  .balign 4
.Lunits:
  .rept MULTIPLY_UNITS
  MULTIPLY_UNIT
  .endr
  .if . - .Lunits - MULTIPLY_UNITS * MULTIPLY_UNIT_CODE_BYTES
  .error "MULTIPLY_UNIT_CODE_BYTES is not the size of MULTIPLY_UNIT"
  .endif
  cmp r0, lr
  bne .Lunits
  ldrd r4, r5, [r1], #8
  ldrd r6, r7, [sp, #FRAME_ROUNDING]
  REQUANTIZE r8
  REQUANTIZE r9
  REQUANTIZE r10
  REQUANTIZE r11
  ldrd r2, r3, [sp, #FRAME_NEXT_1]
  ldr r12, [sp, #FRAME_NEXT_3]
  strb r9, [r7, r2]
  strb r10, [r7, r3]
  strb r11, [r7, r12]
  strb r8, [r7], #1
  ldrd r12, r0, [sp, #FRAME_PACKED_END]
  str r7, [sp, #FRAME_OUT]
  cmp r1, r12
  bne .Lchannel
  add sp, #FRAME_BYTES
  pop {r4-r11, pc}
END_FUNCTION alpharho_dsp_multiply_pixels

// void alpharho_dsp_expand_pixels(const struct expand_job *job)
//
// register  on entry  in the loop
// r0        job       next word of row 0
// r1-r3     -         next words of rows 1 to 3
// r4-r7     -         taps 0 and 2 of the rows, 16 bits each
// r8-r11    -         four taps of the rows; then taps 1 and 3, 16 bits each
// r12       -         next word to write
// lr        return    end of what is written
FUNCTION alpharho_dsp_expand_pixels
  push {r4-r11, lr}
  CHECK_ADJACENT EXPAND_JOB_ROWS, EXPAND_JOB_END, 6
  ldm r0, {r0-r3, r12, lr} // rows[0..3], to, end
.Lexpand:
  ldr r8, [r0], #4
  ldr r9, [r1], #4
  ldr r10, [r2], #4
  ldr r11, [r3], #4
  sxtb16 r4, r8
  sxtb16 r5, r9
  sxtb16 r6, r10
  sxtb16 r7, r11
  sxtb16 r8, r8, ror #8
  sxtb16 r9, r9, ror #8
  sxtb16 r10, r10, ror #8
  sxtb16 r11, r11, ror #8
  stmia r12!, {r4-r11}
  cmp r12, lr
  bne .Lexpand
  pop {r4-r11, pc}
END_FUNCTION alpharho_dsp_expand_pixels

#endif // KERNELS_DSP_ASSEMBLY
