// void alpharho_mve_row_5x5(const struct depthwise_row *row)
//
// One row of output of a 5x5 window, 16 channels at a time.
//
// Registers
//   r0        packed
//   r1 to r5  the first tap of each row of the window; they move on by a block, and at the end of a pixel to the next
//   r6        a tap of the other four columns
//   r7        from the end of the block of a first tap to the block of the second tap
//   r8        from tap to tap in a row
//   r9        from the end of the blocks of a pixel to the next pixel, of the taps
//   r10       out
//   r11       zero point in the lower half, negatives as bit 31
//   r12       pixels left
//   lr        channels left of the pixel
//   q0 to q7  see depthwise.inc
//
// Stack: #STACK_PACKED       packed, from its beginning
//        #STACK_CHANNELS     channels
//        #STACK_OUT_ADVANCE  from the end of the blocks of a pixel to the next pixel, of out
#include "macros.inc"

#ifdef KERNELS_MVE_ASSEMBLY
#include "depthwise.inc"

#define STACK_PACKED      0
#define STACK_CHANNELS    4
#define STACK_OUT_ADVANCE 12
#define STACK_BYTES       16

// The four other taps of a row, after its first tap has moved on by a block.
  .macro OTHER_TAPS_AFTER_FIRST row, biases=
  add r6, \row, r7
  SECOND_TAP "[r6]", "[r6]", "add r6, r6, r8", \biases
  NEXT_FIRST_TAP "[r6]", "add r6, r6, r8"
  SECOND_TAP "[r6]", "[r6]", "add r6, r6, r8"
  NEXT_FIRST_TAP "[r6]"
  .endm

  .macro OTHER_TAPS_AFTER_SECOND row
  add r6, \row, r7
  NEXT_FIRST_TAP "[r6]", "add r6, r6, r8"
  SECOND_TAP "[r6]", "[r6]", "add r6, r6, r8"
  NEXT_FIRST_TAP "[r6]", "add r6, r6, r8"
  SECOND_TAP "[r6]", "[r6]"
  .endm

// 25 taps are 12 pairs and one: the rows begin with the first and with the second tap of a pair in turns.
  .macro BLOCK_5X5
  add r0, #64
  FIRST_TAP "[r1], #16"
  OTHER_TAPS_AFTER_FIRST r1, biases
  SECOND_TAP "[r2]", "[r2], #16"
  OTHER_TAPS_AFTER_SECOND r2
  NEXT_FIRST_TAP "[r3], #16"
  OTHER_TAPS_AFTER_FIRST r3
  SECOND_TAP "[r4]", "[r4], #16"
  OTHER_TAPS_AFTER_SECOND r4
  NEXT_FIRST_TAP "[r5], #16"
  OTHER_TAPS_AFTER_FIRST r5
  FINISH_BLOCK r11, r10
  .endm

  FUNCTION alpharho_mve_row_5x5
  push {r4-r11, lr}
  vpush {d8-d15}
  load_fields r10, r12, r0, ROW_OUT, ROW_PIXELS
  load_fields r9, r3, r0, ROW_ADVANCE, ROW_OUT_ADVANCE
  push {r2, r3} // r2 only keeps the stack aligned
  load_fields r2, r3, r0, ROW_PACKED, ROW_CHANNELS
  push {r2, r3}
  load_fields r11, r8, r0, ROW_ZERO_POINT, ROW_COLUMN
  ldr r2, [r0, #ROW_NEGATIVES]
  pkhbt r11, r11, r2, lsl #31
  sub r7, r8, #MVE_BLOCK
  adds r0, #ROW_TAPS
  ldm r0, {r1-r5}
.Lpixel:
  ldrd r0, lr, [sp, #STACK_PACKED]
  dlstp.8 lr, lr
.Lblock:
  BLOCK_5X5
  letp lr, .Lblock
  ldr r0, [sp, #STACK_OUT_ADVANCE]
  .irp row, r1, r2, r3, r4, r5
  add \row, r9
  .endr
  add r10, r0
  subs r12, #1
  bne.w .Lpixel
  add sp, #STACK_BYTES
  vpop {d8-d15}
  pop {r4-r11, pc}
  END_FUNCTION alpharho_mve_row_5x5

#endif
