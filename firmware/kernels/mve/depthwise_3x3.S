// void alpharho_mve_depthwise_3x3(const struct depthwise_row *row)
// void alpharho_mve_depthwise_3x3_dense(const struct depthwise_row *row)
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

  .macro BLOCK_3X3
  LOAD_BIASES
  FIRST_TAP "[r1], #16"
  SECOND_TAP "[r2]", "[r2], #16"
  NEXT_FIRST_TAP "[r3], #16"
  SECOND_TAP "[r4]", "[r4], #16"
  NEXT_FIRST_TAP "[r5], #16"
  SECOND_TAP "[r6]", "[r6], #16"
  NEXT_FIRST_TAP "[r7], #16"
  SECOND_TAP "[r8]", "[r8], #16"
  NEXT_FIRST_TAP "[r9], #16"
  ADD_PRODUCTS
  STORE_BLOCK r11, r10
  .endm

  FUNCTION alpharho_mve_depthwise_3x3_dense
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
  END_FUNCTION alpharho_mve_depthwise_3x3_dense

  FUNCTION alpharho_mve_depthwise_3x3
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
  END_FUNCTION alpharho_mve_depthwise_3x3

#endif
