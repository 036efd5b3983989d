// The inner loop of convolutions with an even number of channels. multiply.h says what the functions do, multiply_in_c.h
// has them in C.
#include "../assembly.inc"
#include "layout.h"

#ifdef KERNELS_DSP_ASSEMBLY

// Two taps of four pixels and two channels. On a Cortex-M4 a group of n loads takes n + 1 cycles, so there are two
// groups, of as many loads as there are registers for. On a Cortex-M33 nothing waits for what is loaded.
  .macro MULTIPLY_PAIR_UNIT
  ldr.w r2, [r1], #4
  ldr.w r4, [r0, #4]
  ldr.w r5, [r0, #8]
  sxtb16 r3, r2
  smlad r10, r4, r2, r10
  smlad r11, r5, r2, r11
  smlad r6, r4, r3, r6
  smlad r7, r5, r3, r7
  ldr.w r4, [r0, #12]
  ldr.w r5, [r0], #16
  smlad r12, r4, r2, r12
  smlad r8, r4, r3, r8
  smlad lr, r5, r2, lr
  smlad r9, r5, r3, r9
  .endm

  .macro DOUBLE sums:vararg
  .irp sum, \sums
  add \sum, \sum, \sum
  .endr
  .endm

// Four sums become int8; with smmlar as `multiply`, doubled ones, with smmla those times 2^8. r2 is the multiplier, r3
// what is added to the product: half a step and the zero point, both times 2^shift, r4 the right shift. Right where what
// is negative saturates, or is limited, to the zero point.
  .macro SCALE_FOUR multiply, sums:vararg
  .irp sum, \sums
  \multiply \sum, \sum, r2, r3
  .endr
  SHIFT_FOUR \sums
  .endm

// As above with halves of negative sums rounded away from 0: less 1 before the shift. Uses r0 and r5.
  .macro SCALE_FOUR_SIGNED a, b, c, d
  smmlar r5, \a, r2, r3
  smmlar r0, \b, r2, r3
  add \a, r5, \a, asr #31
  add \b, r0, \b, asr #31
  smmlar r5, \c, r2, r3
  smmlar r0, \d, r2, r3
  add \c, r5, \c, asr #31
  add \d, r0, \d, asr #31
  SHIFT_FOUR \a, \b, \c, \d
  .endm

  .macro SHIFT_FOUR sums:vararg
  .irp sum, \sums
  asr \sum, \sum, r4
  .endr
  .irp sum, \sums
  ssat \sum, #8, \sum
  .endr
  .endm

// void alpharho_dsp_multiply_pair(const struct multiply_job *job)
//
// register     on entry  in the loop over taps                storing two channels
// r0           job       next word of inputs                  inputs
// r1           -         next word of packed                  the same
// r2           -         weights of channels a and b          multiplier; then out of pixel 0
// r3           -         weights of channel a                 what is added to products; then steps[0]
// r4           -         inputs of pixel 0, then of pixel 2   right shift; then steps[1]
// r5           -         inputs of pixel 1, then of pixel 3   negatives; then out of pixel 1
// r6-r9        -         sums of pixels 0 to 3, channel a     their outputs, then with those of channel b
// r10-r12, lr  -         the same of channels a and b         sums of b, outputs; then packed_end, out of pixels 2, 3
//
// The frame, above which are r4-r11 and lr:
#define FRAME_INPUTS     0
#define FRAME_OUT        4
#define FRAME_STEPS      8
#define FRAME_PACKED_END 16
#define FRAME_ENTRY      20 // where the first pass enters the unrolled loop
#define FRAME_INPUTS_END 24
#define FRAME_NEGATIVES  28
#define FRAME_BYTES      32

FUNCTION alpharho_dsp_multiply_pair
  push {r4-r11, lr}
  CHECK_ADJACENT MULTIPLY_JOB_PACKED, MULTIPLY_JOB_NEGATIVES, 9
  ldm r0, {r1-r9} // packed, inputs, out, steps[0..1], packed_end, skip, inputs_end, negatives
  adr.w r10, .Lunits
  add r7, r7, r10
  orr r7, r7, #1 // a Thumb address
  push {r2-r9}
  mov r0, r2
.Lpair:
  ldrd r6, r10, [r1], #8 // what the sums begin with
  mov r7, r6
  mov r8, r6
  mov r9, r6
  mov r11, r10
  mov r12, r10
  mov lr, r10
  ldr.w pc, [sp, #FRAME_ENTRY]
  .balign 4
.Lunits:
  .rept MULTIPLY_PAIR_UNITS
  MULTIPLY_PAIR_UNIT
  .endr
  .if . - .Lunits - MULTIPLY_PAIR_UNITS * MULTIPLY_PAIR_CODE_BYTES
  .error "MULTIPLY_PAIR_CODE_BYTES is not the size of MULTIPLY_PAIR_UNIT"
  .endif
  ldrd r4, r5, [sp, #FRAME_INPUTS_END]
  cmp r0, r4
  bne.w .Lunits
  sub r10, r10, r6 // 2^8 times those of channel b
  sub r11, r11, r7
  sub r12, r12, r8
  sub lr, lr, r9
  DOUBLE r6, r7, r8, r9
  cmp r5, #0
  ldmia.w r1!, {r2-r4}
  bne.w .Lsigned
  SCALE_FOUR smmlar, r6, r7, r8, r9
  ldmia.w r1!, {r2-r4}
  SCALE_FOUR smmla, r10, r11, r12, lr
.Lstore:
  bfi r6, r10, #8, #8
  bfi r7, r11, #8, #8
  bfi r8, r12, #8, #8
  bfi r9, lr, #8, #8
  CHECK_ADJACENT FRAME_INPUTS, FRAME_PACKED_END, 5
  ldm sp, {r0, r2, r3, r4, r10} // inputs, out, steps[0..1], packed_end
  add r5, r2, r3
  add r12, r5, r4
  add lr, r12, r3
  strh.w r7, [r5]
  strh.w r8, [r12]
  strh.w r9, [lr]
  strh.w r6, [r2], #2
  str r2, [sp, #FRAME_OUT]
  cmp r1, r10
  bne.w .Lpair
  add sp, #FRAME_BYTES
  pop {r4-r11, pc}
.Lsigned:
  SCALE_FOUR_SIGNED r6, r7, r8, r9
  .irp sum, r10, r11, r12, lr
  asr \sum, \sum, #7 // twice those of channel b
  .endr
  ldmia.w r1!, {r2-r4}
  SCALE_FOUR_SIGNED r10, r11, r12, lr
  b.w .Lstore
END_FUNCTION alpharho_dsp_multiply_pair

// Four taps of one pixel and two channels. All pixels of the expanded inputs are that one.
  .macro MULTIPLY_LAST_BLOCK
  ldr r5, [r0, #16]
  ldr r4, [r0], #32
  ldr r10, [r1, #4]
  ldr r7, [r1], #8
  sxtb16 r11, r7
  smlad lr, r4, r7, lr
  smlad r2, r4, r11, r2
  sxtb16 r11, r10
  smlad lr, r5, r10, lr
  smlad r2, r5, r11, r2
  .endm

// void alpharho_dsp_multiply_last(const struct multiply_job *job)
//
// register  on entry  in the loop over taps       storing two channels
// r0        job       next word of inputs         the same
// r1        -         next word of packed         the same
// r2, lr    -         sums of a, and of a and b   sums of channels a and b
// r3        -         out                         the same
// r4, r5    -         inputs                      multiplier, what is added to products
// r6        -         packed_end                  the same
// r7        -         weights                     right shift
// r8        -         end of inputs               the same
// r9        -         negatives                   the same
// r10, r11  -         weights                     outputs
// r12       -         inputs                      the same
FUNCTION alpharho_dsp_multiply_last
  push {r4-r11, lr}
  ldm r0, {r1-r9} // packed, inputs, out, steps[0..1], packed_end, skip, inputs_end, negatives
  mov r12, r2
.Llast_pair:
  ldrd r2, lr, [r1], #8
  mov r0, r12
  sub r4, r8, r12
  tst r4, #32 // an odd number of blocks
  bne .Llast_odd
.Llast_blocks:
  MULTIPLY_LAST_BLOCK
.Llast_odd:
  MULTIPLY_LAST_BLOCK
  cmp r0, r8
  bne .Llast_blocks
  sub lr, lr, r2
  add r2, r2, r2
  ldmia r1!, {r4, r5, r7}
  cmp r9, #0
  smmlar r10, r2, r4, r5
  it ne
  addne r10, r10, r2, asr #31
  asr r10, r7
  ldmia r1!, {r4, r5, r7}
  ittte ne
  asrne lr, lr, #7
  smmlarne r11, lr, r4, r5
  addne r11, r11, lr, asr #31
  smmlaeq r11, lr, r4, r5
  asr r11, r7
  ssat r10, #8, r10
  ssat r11, #8, r11
  bfi r10, r11, #8, #8
  strh r10, [r3], #2
  cmp r1, r6
  bne .Llast_pair
  pop {r4-r11, pc}
END_FUNCTION alpharho_dsp_multiply_last

#endif // KERNELS_DSP_ASSEMBLY
