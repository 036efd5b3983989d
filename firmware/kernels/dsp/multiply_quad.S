// The inner loop of convolutions with a multiple of four channels. multiply.h says what the functions do,
// multiply_in_c.h has them in C.
#include "../assembly.inc"
#include "layout.h"

#ifdef KERNELS_DSP_ASSEMBLY

#include "multiply_quad.inc"

// Two taps of two pixels and four channels: products of two channels at once, then, with the lower bytes of the weights,
// those of the first of two. On a Cortex-M4 a group of n loads takes n + 1 cycles, so there is one group. On a Cortex-M33
// nothing waits for what is loaded.
  .macro MULTIPLY_QUAD_UNIT
  ldr.w r5, [r1, #4]
  ldr.w r4, [r1], #8
  ldr.w r3, [r0, #4]
  ldr.w r2, [r0], #16
  smlad r9, r3, r4, r9
  smlad lr, r3, r5, lr
  smlad r8, r2, r4, r8
  smlad r12, r2, r5, r12
  sxtb16 r4, r4
  sxtb16 r5, r5
  smlad r7, r3, r4, r7
  smlad r6, r2, r4, r6
  smlad r11, r3, r5, r11
  smlad r10, r2, r5, r10
  .endm

// Sums of two channels of both pixels, those of the second channel times 2^8, become outputs plus 128 that may be out of
// range. Right where what is negative saturates, or is limited, to the zero point. Loads multiplier, what is added to
// products, the same of the second channel, and both right shifts as two bytes.
  .macro SCALE_TWO a0, a1, b0, b1
  ldmia.w r1!, {r0, r2-r5}
  add \a0, \a0, \a0
  add \a1, \a1, \a1
  smmlar \a0, \a0, r0, r2
  smmlar \a1, \a1, r0, r2
  smmla \b0, \b0, r3, r4
  smmla \b1, \b1, r3, r4
  SHIFT_TWO \a0, \a1, \b0, \b1
  .endm

  .macro SHIFT_TWO a0, a1, b0, b1
  asr \a0, \a0, r5
  asr \a1, \a1, r5
  lsr r5, r5, #8
  asr \b0, \b0, r5
  asr \b1, \b1, r5
  .endm

// As above with halves of negative sums rounded away from 0: less 1 before the shift.
  .macro SCALE_TWO_SIGNED a0, a1, b0, b1
  add \a0, \a0, \a0
  add \a1, \a1, \a1
  asr \b0, \b0, #7 // twice those of the second channel
  asr \b1, \b1, #7
  SCALE_SIGNED \a0, \a1
  SCALE_SIGNED \b0, \b1
  ldr r5, [r1], #4
  SHIFT_TWO \a0, \a1, \b0, \b1
  .endm

  .macro SCALE_SIGNED sum0, sum1
  ldmia.w r1!, {r0, r2}
  smmlar r3, \sum0, r0, r2
  smmlar r4, \sum1, r0, r2
  add \sum0, r3, \sum0, asr #31
  add \sum1, r4, \sum1, asr #31
  .endm

// void alpharho_dsp_multiply_quad(const struct multiply_job *job)
//
// register  on entry  in the loop over taps             storing four channels
// r0        job       next word of inputs               multiplier of a or c; then inputs
// r1        -         next word of packed               the same
// r2        -         inputs of the first pixel         what is added to its products; then out of the first pixel
// r3        -         inputs of the second one          multiplier of b or d; then step
// r4        -         weights of channels a and b       what is added to its products; then packed_end
// r5        -         weights of channels c and d       right shifts; then out of the second pixel
// r6, r7    -         sums of both pixels, channel a    their outputs, then all
// r8, r9    -         the same of channels a and b      sums of b, outputs
// r10, r11  -         sums of both pixels, channel c    their outputs
// r12, lr   -         the same of channels c and d      sums of d, outputs
//
// Of four pixels two are computed with all channels, 3 and 0, then 1 and 2; of two pixels, which are 0 and 1 once and 2
// and 3 once, only the latter. The frame is that of multiply_quad.inc.
FUNCTION alpharho_dsp_multiply_quad
  BEGIN_QUAD
  mov r0, r2
  beq.w .Lsecond
.Lquad:
  ldmia.w r1!, {r6, r8, r10, r12} // what the sums begin with
  mov r7, r6
  mov r9, r8
  mov r11, r10
  mov lr, r12
  ldr.w pc, [sp, #FRAME_ENTRY]
  .balign 4
.Lunits:
  .rept MULTIPLY_QUAD_UNITS
  MULTIPLY_QUAD_UNIT
  .endr
  .if . - .Lunits - MULTIPLY_QUAD_UNITS * MULTIPLY_QUAD_CODE_BYTES
  .error "MULTIPLY_QUAD_CODE_BYTES is not the size of MULTIPLY_QUAD_UNIT"
  .endif
  CHECK_ADJACENT FRAME_INPUTS_END, FRAME_NEGATIVES, 2
  ldrd r2, r3, [sp, #FRAME_INPUTS_END]
  cmp r0, r2
  bne.w .Lunits
  sub r8, r8, r6 // 2^8 times those of channel b
  sub r9, r9, r7
  sub r12, r12, r10
  sub lr, lr, r11
  cmp r3, #0
  bne.w .Lsigned
  SCALE_TWO r6, r7, r8, r9
  SCALE_TWO r10, r11, r12, lr
.Lstore:
  CHECK_ADJACENT FRAME_INPUTS, FRAME_PACKED_END, 4
  ldm.w sp, {r0, r2-r4} // inputs, out, step, packed_end
  PACK_BOTH r6, r8, r10, r12, r7, r9, r11, lr
  add r5, r2, r3
  str r6, [r2], #4
  cmp r1, r4
  str r7, [r5]
  str r2, [sp, #FRAME_OUT]
  bne.w .Lquad
  ldr r1, [sp, #FRAME_PACKED]
  cbz r1, .Ldone
.Lsecond:
  SECOND_PIXELS
  b.w .Lquad
.Ldone:
  add sp, #FRAME_BYTES
  pop {r4-r11, pc}
.Lsigned:
  SCALE_TWO_SIGNED r6, r7, r8, r9
  SCALE_TWO_SIGNED r10, r11, r12, lr
  b.w .Lstore
END_FUNCTION alpharho_dsp_multiply_quad

// Four taps of one pixel and four channels. All pixels of the expanded inputs are that one.
  .macro MULTIPLY_QUAD_LAST_BLOCK
  ldr r3, [r0, #16]
  ldr r2, [r0], #32
  ldr r5, [r1, #4]
  ldr r6, [r1, #8]
  ldr r7, [r1, #12]
  ldr r4, [r1], #16
  smlad r9, r2, r4, r9
  smlad r11, r2, r5, r11
  smlad r9, r3, r6, r9
  smlad r11, r3, r7, r11
  sxtb16 r4, r4
  sxtb16 r5, r5
  sxtb16 r6, r6
  sxtb16 r7, r7
  smlad r8, r2, r4, r8
  smlad r10, r2, r5, r10
  smlad r8, r3, r6, r8
  smlad r10, r3, r7, r10
  .endm

// As SCALE_TWO and SCALE_TWO_SIGNED of one pixel; flags: whether negatives is 0.
  .macro SCALE_TWO_LAST a, b
  ldmia r1!, {r2-r6}
  SCALE_LAST \a, \b, r2, r3, r4, r5, shifts=r6, scaled=r2
  .endm

// void alpharho_dsp_multiply_quad_last(const struct multiply_job *job)
//
// register  on entry  in the loop over taps                   storing four channels
// r0        job       next word of inputs                     scaled sums
// r1        -         next word of packed                     the same
// r2, r3    -         inputs                                  multiplier, what is added; then out, packed_end
// r4-r7     -         weights of a, b and of c, d, twice      multiplier, what is added, shifts; r7: negatives
// r8, r9    -         sums of channel a, and of a and b       outputs
// r10, r11  -         sums of channel c, and of c and d       outputs
// r12, lr   -         inputs and their end                    the same
//
// The stack is that of multiply_quad.inc.
FUNCTION alpharho_dsp_multiply_quad_last
  BEGIN_QUAD_LAST
.Llast_quad:
  ldmia r1!, {r8-r11} // what the sums begin with
  mov r0, r12
  sub r2, lr, r12
  tst r2, #32 // an odd number of blocks
  bne .Llast_odd
.Llast_blocks:
  MULTIPLY_QUAD_LAST_BLOCK
.Llast_odd:
  MULTIPLY_QUAD_LAST_BLOCK
  cmp r0, lr
  bne .Llast_blocks
  ldr r7, [sp, #8]
  sub r9, r9, r8
  sub r11, r11, r10
  cmp r7, #0
  SCALE_TWO_LAST r8, r9
  SCALE_TWO_LAST r10, r11
  END_QUAD_LAST
END_FUNCTION alpharho_dsp_multiply_quad_last

#endif // KERNELS_DSP_ASSEMBLY
