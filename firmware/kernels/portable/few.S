// 1x1 convolutions of few channels. few.h says what the function does; portable.h what it takes.
#include "../assembly.inc"
#include "layout.h"

#if defined(__thumb2__)

#include "thumb2.inc"

  CHECK_ADJACENT FEW_BIAS, FEW_DEPTH, 11

// The frame, above which are r4-r11 and lr.
#define FRAME_SECOND_IN  0 // from the first pixel's input to the second's; 0 if there is one pixel
#define FRAME_SECOND_OUT 4 // the same of outputs
#define FRAME_SCALING    8 // bias, multiplier, shift, rounding
#define FRAME_OUT        24
#define FRAME_CHANNEL    28
#define FRAME_WEIGHTS    32
#define FRAME_CHANNELS   36
#define FRAME_PIXELS     40 // left
#define FRAME_BYTES      44

// Two taps of both pixels. Loads that move no base overlap on a Cortex-M3.
  .macro TWO_TAPS at
  ldrsb r6, [r1, #\at]
  ldrsb r7, [r1, #\at + 1]
  ldrsb r8, [r2, #\at]
  ldrsb r9, [r2, #\at + 1]
  ldrsb r10, [r3, #\at]
  ldrsb lr, [r3, #\at + 1]
  mla r4, r8, r6, r4
  mla r4, r9, r7, r4
  mla r5, r10, r6, r5
  mla r5, lr, r7, r5
  .endm

  .macro MOVE taps
  add r1, #\taps
  add r2, #\taps
  add r3, #\taps
  .endm

// void alpharho_few_channels(const struct few_job *job)
//
// register  taps                   requantization
// r0        input of pixel 0       the same
// r1        next weight            the same: of the next channel
// r2        next input of pixel 0  upper half of a product
// r3        next input of pixel 1  from pixel 0's output to pixel 1's
// r4, r5    sums of both pixels    their outputs
// r6        weight                 bias; then lower half of a product
// r7, r8    weight, input          doubled multiplier, right shift less 1
// r9        input                  zero point and half a step
// r10       input                  where the output is
// r11       taps left              channel
// r12       depth                  the same
// lr        input                  number of channels
FUNCTION alpharho_few_channels
  push {r4-r11, lr}
  ldm r0, {r1-r11} // bias, multiplier, shift, rounding, out, channel, weights, channels, pixels, in, depth
  push {r1-r9}
  sub sp, #FRAME_SCALING
  mov r0, r10
  mov r12, r11
.Lpixels: // r8: channels, r9: pixels left
  mov r2, r12
  cmp r9, #1
  itt eq
  moveq r2, #0
  moveq r8, #0
  strd r2, r8, [sp, #FRAME_SECOND_IN]
  ldr r1, [sp, #FRAME_WEIGHTS]
  mov r11, #0
  str r11, [sp, #FRAME_CHANNEL]
.Lchannel:
  ldr r3, [sp, #FRAME_SECOND_IN]
  mov r4, #0
  mov r5, #0
  mov r2, r0
  add r3, r0
  subs r11, r12, #4
  blo 2f
1:
  TWO_TAPS 0
  TWO_TAPS 2
  MOVE 4
  subs r11, #4
  bhs 1b
2:
  lsls r11, #31 // taps left, less 4: carry is bit 1, zero that bit 0 is not set; kept up to the branch
  bcc 3f
  TWO_TAPS 0
  MOVE 2
3:
  beq 4f
  ldrsb r6, [r1]
  ldrsb r7, [r2]
  ldrsb r8, [r3]
  add r1, #1
  mla r4, r7, r6, r4
  mla r5, r8, r6, r5
4:
  add r3, sp, #FRAME_SCALING
  ldm r3, {r6-r11}
  ldr r6, [r6, r11, lsl #2]
  ldr r7, [r7, r11, lsl #2]
  ldrsb r8, [r8, r11]
  ldr r3, [sp, #FRAME_SECOND_OUT]
  ldr lr, [sp, #FRAME_CHANNELS]
  add r10, r11
  add r11, #1
  str r11, [sp, #FRAME_CHANNEL]
  cmp r11, lr // no instruction up to the branch changes flags
  PREPARE_SCALING
  add r4, r4, r6
  add r5, r5, r6
  SCALE r4, r6, r2
  SCALE r5, r6, r2
  strb r4, [r10]
  strb r5, [r10, r3]
  bne .Lchannel
  ldr r6, [sp, #FRAME_OUT]
  ldr r8, [sp, #FRAME_CHANNELS]
  ldr r9, [sp, #FRAME_PIXELS]
  add r0, r0, r12, lsl #1
  add r6, r6, r8, lsl #1
  str r6, [sp, #FRAME_OUT]
  subs r9, #2
  str r9, [sp, #FRAME_PIXELS]
  bgt .Lpixels
  add sp, #FRAME_BYTES
  pop {r4-r11, pc}
END_FUNCTION alpharho_few_channels

#endif
