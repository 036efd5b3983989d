// Convolutions of an odd number of channels, or with large shifts: channels one by one. multiply.h says what the
// function does, multiply.c has it in C.
#include "../assembly.inc"
#include "layout.h"

#ifdef KERNELS_DSP_ASSEMBLY

// Two taps of each of four pixels, in the order 3, 0, 1, 2 (r4-r7), times the same taps of one channel's weights (r12).
  .macro MULTIPLY_FOUR
  smlad r11, r4, r12, r11
  smlad r8, r5, r12, r8
  smlad r9, r6, r12, r9
  smlad r10, r7, r12, r10
  .endm

// A word of weights is four taps of a channel: taps 0 and 2 meet the first word of inputs of each pixel, taps 1 and 3
// the second.
  .macro MULTIPLY_SINGLE_UNIT
  ldmia.w r0!, {r4-r7}
  ldr.w r2, [r1], #4
  sxtb16 r12, r2
  MULTIPLY_FOUR
  ldmia.w r0!, {r4-r7}
  sxtb16 r12, r2, ror #8
  MULTIPLY_FOUR
  .endm

// r4 is the multiplier, r5 the right shift - 1, r6 the rounding. Halves are rounded away from 0.
  .macro SCALE sum
  add \sum, \sum, \sum
  smmulr \sum, \sum, r4
  add \sum, \sum, \sum, asr #31
  asr \sum, \sum, r5
  add \sum, \sum, r6
  ssat \sum, #8, \sum, asr #1
  .endm

// void alpharho_dsp_multiply_single(const struct multiply_job *job)
//
// register  on entry  in the loop over taps         storing a channel
// r0        job       next word of inputs           inputs (loaded again at the end)
// r1        -         next word of packed           the same
// r2        -         four weights, as bytes        steps[0]
// r3        -         -                             steps[1]
// r4        -         two inputs of pixel 3         multiplier; then out of pixel 1
// r5        -         two inputs of pixel 0         right shift - 1; then out of pixel 2
// r6        -         two inputs of pixel 1         rounding; then out of pixel 3
// r7        -         two inputs of pixel 2         out of pixel 0
// r8-r11    -         sums of pixels 0 to 3         outputs of pixels 0 to 3
// r12       -         two weights, 16 bits each     packed_end
// lr        return    end of inputs                 end of inputs
//
// The frame, above which are r4-r11 and lr:
#define FRAME_INPUTS     0
#define FRAME_OUT        4
#define FRAME_STEPS      8
#define FRAME_PACKED_END 16
#define FRAME_ENTRY      20 // where the first pass enters the unrolled loop
#define FRAME_ROUNDING   24
#define FRAME_BYTES      28

FUNCTION alpharho_dsp_multiply_single
  push {r4-r11, lr}
  CHECK_ADJACENT MULTIPLY_JOB_PACKED, MULTIPLY_JOB_INPUTS_END, 8
  ldr r9, [r0, #MULTIPLY_JOB_ROUNDING]
  ldm r0, {r1-r8} // packed, inputs, out, steps[0..1], packed_end, skip, inputs_end
  mov lr, r8
  adr.w r10, .Lunits
  add r8, r7, r10
  orr r8, r8, #1 // a Thumb address
  push {r2-r6, r8, r9}
  mov r0, r2
.Lchannel:
  ldr r8, [r1], #4 // the bias
  mov r9, r8
  mov r10, r8
  mov r11, r8
  ldr pc, [sp, #FRAME_ENTRY]
  .balign 4
.Lunits:
  .rept MULTIPLY_SINGLE_UNITS
  MULTIPLY_SINGLE_UNIT
  .endr
  .if . - .Lunits - MULTIPLY_SINGLE_UNITS * MULTIPLY_SINGLE_CODE_BYTES
  .error "MULTIPLY_SINGLE_CODE_BYTES is not the size of MULTIPLY_SINGLE_UNIT"
  .endif
  cmp r0, lr
  bne .Lunits
  ldrd r4, r5, [r1], #8
  ldr r6, [sp, #FRAME_ROUNDING]
  SCALE r8
  SCALE r9
  SCALE r10
  SCALE r11
  CHECK_ADJACENT FRAME_INPUTS, FRAME_PACKED_END, 5
  ldrd r0, r7, [sp, #FRAME_INPUTS]
  ldrd r2, r3, [sp, #FRAME_STEPS]
  ldr r12, [sp, #FRAME_PACKED_END]
  add r4, r7, r2
  add r5, r4, r3
  add r6, r5, r2
  strb r9, [r4]
  strb r10, [r5]
  strb r11, [r6]
  strb r8, [r7], #1
  str r7, [sp, #FRAME_OUT]
  cmp r1, r12
  bne .Lchannel
  add sp, #FRAME_BYTES
  pop {r4-r11, pc}
END_FUNCTION alpharho_dsp_multiply_single

#endif // KERNELS_DSP_ASSEMBLY
