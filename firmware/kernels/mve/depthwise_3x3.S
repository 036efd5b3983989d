// void alpharho_mve_row_3x3(const struct depthwise_row *row)
// void alpharho_mve_row_3x3_dense(const struct depthwise_row *row)
//
// One row of output of a 3x3 window, 16 channels at a time. `_dense` takes rows in which the blocks of one pixel end
// where those of the next begin: stride 1 and a multiple of 16 channels.
//
// Registers
//   r0        packed
//   r1 to r9  the nine taps; all move on by a block, and at the end of a pixel to the next pixel
//   r10       out
//   r11       zero point in the lower half, negatives as bit 31
//   r12       pixels left
//   lr        channels left of the pixel, or blocks
//   q0 to q7  see depthwise.inc
//
// Stack: #STACK_PACKED       packed, from its beginning
//        #STACK_CHANNELS     channels, or blocks
//        #STACK_ADVANCE      from the end of the blocks of a pixel to the next pixel, of the taps
//        #STACK_OUT_ADVANCE  and of out
#include "macros.inc"

#ifdef KERNELS_MVE_ASSEMBLY
#include "depthwise.inc"

#define STACK_PACKED      0
#define STACK_CHANNELS    4
#define STACK_ADVANCE     8
#define STACK_OUT_ADVANCE 12
#define STACK_BYTES       16

  .macro ENTER
  push {r4-r11, lr}
  vpush {d8-d15}
  load_fields r2, r3, r0, ROW_ADVANCE, ROW_OUT_ADVANCE
  push {r2, r3}
  load_fields r2, r3, r0, ROW_PACKED, ROW_CHANNELS
  push {r2, r3}
  load_fields r10, r12, r0, ROW_OUT, ROW_PIXELS
  ldr r11, [r0, #ROW_ZERO_POINT]
  ldr r2, [r0, #ROW_NEGATIVES]
  pkhbt r11, r11, r2, lsl #31
  adds r0, #ROW_TAPS
  ldm r0, {r1-r9}
  .endm

  .macro LEAVE
  add sp, #STACK_BYTES
  vpop {d8-d15}
  pop {r4-r11, pc}
  .endm

// Even and odd channels of a pair of taps in turns, q2 the products of even ones, q0 of odd ones, q1 those of the second
// tap. While the integer pipe adds those of one kind to its sums, the other pipes load and multiply what is next: \of, taps
// and weights of a pair, or of one tap. Inputs and weights are loaded for each of the two: a phase is bound by the
// instructions that issue, 11 cycles.
  .macro PHASE products, sums, more_sums, multiply, of, tap, weights, second_tap=, second_weights=
  vldrb.8 \of, \tap
  vadd.i16 \products, \products, q1
  vldrb.8 q3, \weights
  vmovlb.s16 q1, \products
  \multiply \of, \of, q3
  vadd.i32 \sums, \sums, q1
  .ifnb \second_tap
  vldrb.8 q1, \second_tap
  .endif
  vmovlt.s16 \products, \products
  .ifnb \second_tap
  vldrb.8 q3, \second_weights
  .endif
  vadd.i32 \more_sums, \more_sums, \products
  .ifnb \second_tap
  \multiply q1, q1, q3
  .endif
  .endm

// Adds the even channels of a pair, and multiplies the odd ones of the same taps, which move on.
  .macro EVEN_PHASE first, second
  PHASE q2, q4, q5, vmullt.s8, q0, "[\first], #16", "[r0], #16", "[\second], #16", "[r0], #16"
  .endm

// Adds the odd channels of a pair, and multiplies the even ones of the next.
  .macro ODD_PHASE first, second
  PHASE q0, q6, q7, vmullb.s8, q2, "[\first]", "[r0]", "[\second]", "[r0, #16]"
  .endm

  .macro BLOCK_3X3
  add r0, #64
  vldrb.8 q2, [r1]
  vldrb.8 q3, [r0]
  vmullb.s8 q2, q2, q3
  vldrb.8 q1, [r2]
  vldrb.8 q3, [r0, #16]
  vmullb.s8 q1, q1, q3
  vldrw.u32 q4, [r0, #-64]
  vldrw.u32 q5, [r0, #-48]
  EVEN_PHASE r1, r2
  vldrw.u32 q6, [r0, #-64]
  vldrw.u32 q7, [r0, #-48]
  ODD_PHASE r3, r4
  EVEN_PHASE r3, r4
  ODD_PHASE r5, r6
  EVEN_PHASE r5, r6
  ODD_PHASE r7, r8
  EVEN_PHASE r7, r8
  PHASE q0, q6, q7, vmullb.s8, q2, "[r9]", "[r0], #16"
  vldrb.8 q0, [r9], #16
  vmullt.s8 q0, q0, q3
  FINISH_BLOCK r11, r10
  .endm

  FUNCTION alpharho_mve_row_3x3_dense
  ENTER
  ldr lr, [sp, #STACK_CHANNELS]
  lsr lr, lr, #4
  str lr, [sp, #STACK_CHANNELS]
.Ldense_pixel:
  ldrd r0, lr, [sp, #STACK_PACKED]
.Ldense_block:
  BLOCK_3X3
  le lr, .Ldense_block
  subs r12, #1
  bne.w .Ldense_pixel
  LEAVE
  END_FUNCTION alpharho_mve_row_3x3_dense

  FUNCTION alpharho_mve_row_3x3
  ENTER
.Lpixel:
  ldrd r0, lr, [sp, #STACK_PACKED]
  dlstp.8 lr, lr
.Lblock:
  BLOCK_3X3
  letp lr, .Lblock
  ldrd r0, lr, [sp, #STACK_ADVANCE]
  .irp tap, r1, r2, r3, r4, r5, r6, r7, r8, r9
  add \tap, r0
  .endr
  add r10, lr
  subs r12, #1
  bne.w .Lpixel
  LEAVE
  END_FUNCTION alpharho_mve_row_3x3

#endif
