// The inner loop of the set's convolutions. multiply.h says what the functions do, ../dsp/multiply_in_c.h has them in C.
#include "../assembly.inc"
#include "layout.h"

#ifdef KERNELS_DSP_ASSEMBLY

#include "../dsp/multiply_quad.inc"

// Two taps of two pixels and four channels, as in ../dsp/multiply_quad.S. A multiplication does not issue beside another,
// and an expansion only as the first of two: eight cycles, each with a multiplication. All that is loaded but the weights
// of channels c and d is of the next unit. The last one of a group loads for the scaling: the multiplier of channel a and
// what is added in r4 and r2, that of channel b in r3. Flags: whether negative outputs differ.
  .macro MULTIPLY_UNIT is_last=0
  ldr.w r5, [r1], #4
  smlad r8, r2, r4, r8
  .if \is_last
  ldr r0, [sp, #FRAME_NEGATIVES]
  .endif
  smlad r9, r3, r4, r9
  sxtb16 r4, r4
  smlad r12, r2, r5, r12
  smlad lr, r3, r5, lr
  .if \is_last
  cmp r0, #0
  .endif
  sxtb16 r5, r5
  smlad r6, r2, r4, r6
  smlad r7, r3, r4, r7
  ldr.w r4, [r1], #4
  smlad r10, r2, r5, r10
  .if \is_last
  ldr r2, [r1]
  smlad r11, r3, r5, r11
  ldr r3, [r1, #4]
  .else
  ldr.w r2, [r0], #16
  smlad r11, r3, r5, r11
  ldr.w r3, [r0, #-12]
  .endif
  .endm

// Sums of a channel are scaled, halves of negative ones rounded away from 0: less 1 before the shift.
  .macro SCALE_SIGNED sum0, sum1, multiplier, added
  smmlar r0, \sum0, \multiplier, \added
  smmlar r5, \sum1, \multiplier, \added
  add \sum0, r0, \sum0, asr #31
  add \sum1, r5, \sum1, asr #31
  .endm

// void alpharho_m7_multiply_quad(const struct multiply_job *job)
//
// register  on entry  in the loop over taps               storing four channels
// r0        job       next word of inputs                 what is added to products of b, d; then inputs
// r1        -         next word of packed                 the same
// r2        -         inputs of the first pixel           what is added to those of a, c; shifts of c, d; then out
// r3        -         inputs of the second one            multiplier of b, d; then step
// r4        -         weights of channels a and b         multiplier of a, c; shift of b; then packed_end
// r5        -         weights of channels c and d         right shifts of a, b; then out of the second pixel
// r6-lr     -         sums, as in ../dsp/multiply_quad.S  outputs
//
// The frame is that of ../dsp/multiply_quad.inc.
FUNCTION alpharho_m7_multiply_quad
  BEGIN_QUAD M7_MULTIPLY_UNITS + M7_MULTIPLY_LAST_UNITS
  mov r0, r2
  beq.w .Lsecond
.Lquad:
  ldrd r6, r8, [r1] // what the sums begin with
  ldrd r10, r12, [r1, #8]
  ldr r2, [r0]
  ldr r3, [r0, #4]
  ldr r4, [r1, #16]
  mov r7, r6
  adds r0, #16
  mov r9, r8
  adds r1, #20
  mov r11, r10
  mov lr, r12
  ldr.w pc, [sp, #FRAME_ENTRY]
  .balign 8
.Lunits:
  .rept M7_MULTIPLY_UNITS
  MULTIPLY_UNIT
  .endr
  .if . - .Lunits - M7_MULTIPLY_UNITS * M7_MULTIPLY_CODE_BYTES
  .error "M7_MULTIPLY_CODE_BYTES is not the size of MULTIPLY_UNIT"
  .endif
  ldr r5, [sp, #FRAME_INPUTS_END]
  cbz r5, .Llast_unit
  cmp r0, r5
  bne.w .Lunits
.Llast_unit:
  MULTIPLY_UNIT is_last=1
  sub r8, r8, r6 // 2^8 times those of channel b
  sub r9, r9, r7
  sub r12, r12, r10
  sub lr, lr, r11
  add r6, r6, r6 // what is rounded twice is doubled
  ldr r0, [r1, #8] // of b what is added
  add r7, r7, r7
  bne.w .Lsigned
  smmlar r6, r6, r4, r2
  ldr r5, [r1, #12]
  smmlar r7, r7, r4, r2
  ldr r4, [r1, #16] // of c the multiplier and what is added, then of d
  smmla r8, r8, r3, r0
  ldr r2, [r1, #20]
  smmla r9, r9, r3, r0
  add r10, r10, r10
  smmlar r10, r10, r4, r2
  ldr r3, [r1, #24]
  add r11, r11, r11
  ldr r0, [r1, #28]
  smmlar r11, r11, r4, r2
  asr r6, r6, r5
  smmla r12, r12, r3, r0
  ldr r2, [r1, #32]
  smmla lr, lr, r3, r0
  lsr r4, r5, #8
  asr r10, r10, r2
  asr r7, r7, r5
  lsr r3, r2, #8
  asr r11, r11, r2
.Lstore: // channels a and c are shifted, b and d are not
  pkhbt r6, r6, r10, lsl #16
  asr r8, r8, r4
  usat16 r6, #8, r6
  asr r12, r12, r3
  pkhbt r7, r7, r11, lsl #16
  asr r9, r9, r4
  pkhbt r8, r8, r12, lsl #16
  asr lr, lr, r3
  usat16 r8, #8, r8
  ldr r2, [sp, #FRAME_OUT]
  pkhbt r9, r9, lr, lsl #16
  ldr r3, [sp, #FRAME_STEP]
  usat16 r7, #8, r7
  ldr r4, [sp, #FRAME_PACKED_END]
  usat16 r9, #8, r9
  adds r1, #36
  add r5, r2, r3
  orr r6, r6, r8, lsl #8
  ldr r0, [sp, #FRAME_INPUTS]
  orr r7, r7, r9, lsl #8
  eor r6, r6, #0x80808080
  str r6, [r2], #4
  eor r7, r7, #0x80808080
  str r7, [r5]
  cmp r1, r4
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
  add r10, r10, r10
  add r11, r11, r11
  SCALE_SIGNED r6, r7, r4, r2
  ldrd r4, r2, [r1, #8] // of b what is added; right shifts are loaded again
  asr r8, r8, #7
  asr r9, r9, #7
  SCALE_SIGNED r8, r9, r3, r4
  ldrd r2, r3, [r1, #16]
  asr r12, r12, #7
  asr lr, lr, #7
  SCALE_SIGNED r10, r11, r2, r3
  ldrd r2, r3, [r1, #24]
  SCALE_SIGNED r12, lr, r2, r3
  ldr r4, [r1, #12]
  ldr r2, [r1, #32]
  asr r6, r6, r4
  asr r7, r7, r4
  lsr r4, r4, #8
  lsr r3, r2, #8
  asr r10, r10, r2
  asr r11, r11, r2
  b.w .Lstore
END_FUNCTION alpharho_m7_multiply_quad

// void alpharho_m7_multiply_quad_last(const struct multiply_job *job)
//
// register  on entry  in the loop over taps                   storing four channels
// r0        job       next word of inputs                     scaled sums
// r1        -         next word of packed                     the same
// r2, r3    -         inputs                                  right shifts, scaled sums; then out, packed_end
// r4-r7     -         weights of a, b and of c, d, twice      multipliers, what is added
// r8-r11    -         sums, as in ../dsp/multiply_quad.S      outputs
// r12, lr   -         inputs and their end                    the same
//
// The stack is that of ../dsp/multiply_quad.inc.
FUNCTION alpharho_m7_multiply_quad_last
  BEGIN_QUAD_LAST
.Llast_quad:
  ldrd r8, r9, [r1] // what the sums begin with
  ldrd r10, r11, [r1, #8]
  ldr r4, [r1, #16]
  ldr r5, [r1, #20]
  ldr r6, [r1, #24]
  add r0, r12, #32
  ldr r2, [r12]
  adds r1, #32
.Llast_block: // four taps
  ldr r3, [r0, #-16]
  smlad r9, r2, r4, r9
  ldr r7, [r1, #-4]
  cmp r0, lr
  smlad r11, r2, r5, r11
  sxtb16 r4, r4
  smlad r9, r3, r6, r9
  sxtb16 r5, r5
  smlad r11, r3, r7, r11
  sxtb16 r6, r6
  smlad r8, r2, r4, r8
  sxtb16 r7, r7
  smlad r10, r2, r5, r10
  it ne
  ldrne r2, [r0], #32
  smlad r8, r3, r6, r8
  ldr r4, [r1], #16
  smlad r10, r3, r7, r10
  ldr r5, [r1, #-12]
  ldr r6, [r1, #-8]
  bne .Llast_block
  ldr r7, [r1, #-4] // r4-r6 are ahead
  ldr r2, [r1], #4
  ldr r3, [sp, #8]
  sub r9, r9, r8
  sub r11, r11, r10
  cmp r3, #0
  SCALE_LAST r8, r9, r4, r5, r6, r7, shifts=r2, scaled=r3
  ldrd r4, r5, [r1]
  ldrd r6, r7, [r1, #8]
  ldr r2, [r1, #16]
  add r1, r1, #20
  SCALE_LAST r10, r11, r4, r5, r6, r7, shifts=r2, scaled=r3
  END_QUAD_LAST
END_FUNCTION alpharho_m7_multiply_quad_last

#endif // KERNELS_DSP_ASSEMBLY
