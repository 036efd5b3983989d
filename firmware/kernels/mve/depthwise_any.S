// void alpharho_mve_depthwise_taps(const struct depthwise_taps *row)
//
// One row of output of any window, 16 channels at a time. The taps come from a table, an odd number of them.
//
// Registers
//   r0        packed
//   r1        first tap of the block of channels, less its place in the table
//   r2        the table, moved on
//   r3 r4     two taps
//   r5        out
//   r6        channels left of the pixel
//   r7        zero point in the lower half, negatives as bit 31
//   r8        pixels left
//   r9        row
//   r10 r11   from the end of the blocks of a pixel to the next pixel, of the taps, and of out
//   lr        pairs of taps left
//   q0 to q7  see depthwise.inc
//   P0        which of the 16 channels there are: others are not read
#include "macros.inc"

#ifdef KERNELS_MVE_ASSEMBLY
#include "depthwise.inc"

  .macro LOAD_SOME to, address
  vpst
  vldrbt.8 \to, [\address]
  .endm

  FUNCTION alpharho_mve_depthwise_taps
  push {r4-r11, lr}
  vpush {d8-d15}
  mov r9, r0
  load_fields r1, r5, r0, TAPS_IN, TAPS_OUT
  load_fields r7, r8, r0, TAPS_MODE, TAPS_PIXELS
  load_fields r10, r11, r0, TAPS_ADVANCE, TAPS_OUT_ADVANCE
.Lpixel:
  load_fields r0, r6, r9, TAPS_PACKED, TAPS_CHANNELS
.Lblock:
  load_fields r2, lr, r9, TAPS_TABLE, TAPS_PAIRS
  vctp.8 r6
  ldr r3, [r2], #4
  vldrw.u32 q4, [r0], #16
  vldrw.u32 q5, [r0], #16
  vldrw.u32 q6, [r0], #16
  vldrw.u32 q7, [r0], #16
  add r3, r1
  LOAD_SOME q2, r3
  vldrb.8 q3, [r0], #16
  vmullt.s8 q0, q2, q3
  vmullb.s8 q2, q2, q3
  wls lr, lr, .Lsum
.Lpair:
  ldrd r3, r4, [r2], #8
  add r3, r1
  add r4, r1
  LOAD_SOME q1, r3
  vldrb.8 q3, [r0], #16
  vmullb.s8 q1, q1, q3
  vadd.i16 q2, q2, q1
  LOAD_SOME q1, r3
  vmullt.s8 q1, q1, q3
  vmovlb.s16 q3, q2
  vadd.i32 q4, q4, q3
  vadd.i16 q0, q0, q1
  vmovlt.s16 q2, q2
  vadd.i32 q5, q5, q2
  LOAD_SOME q2, r4
  vmovlb.s16 q1, q0
  vldrb.8 q3, [r0], #16
  vadd.i32 q6, q6, q1
  vmovlt.s16 q0, q0
  vadd.i32 q7, q7, q0
  vmullt.s8 q0, q2, q3
  vmullb.s8 q2, q2, q3
  le lr, .Lpair
.Lsum:
  FINISH_BLOCK r7, r5, some
  add r1, #MVE_BLOCK
  subs r6, #MVE_BLOCK
  bgt .Lblock
  add r1, r10
  add r5, r11
  subs r8, #1
  bne .Lpixel
  vpop {d8-d15}
  pop {r4-r11, pc}
  END_FUNCTION alpharho_mve_depthwise_taps

#endif
