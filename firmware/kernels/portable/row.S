// Rows of depthwise convolutions of 3x3. row.h says what the function does; depthwise_3x3.c has it in C.
#include "../assembly.inc"
#include "layout.h"

#if defined(__thumb2__)

#include "thumb2.inc"

  CHECK_ADJACENT ROW_BIAS, ROW_OUT, 5
  CHECK_ADJACENT ROW_ROWS, ROW_STEP, 4

// The frame, above which are r4-r11 and lr: the first fields of the job, and the channel.
#define FRAME_CHANNEL 20
#define FRAME_BYTES   24

// Three taps of a row for the first pixel, and, where there are two, for the second. The first
// taps begin the sums. Loads that move no base overlap on a Cortex-M3 and M4.
  .macro THREE_TAPS row, tap, pixels
  ldrsb r6, [r3, #\tap]
  ldrsb r7, [r3, #\tap + 1]
  ldrsb r8, [r3, #\tap + 2]
  ldrsb r9, [\row]
  ldrsb r10, [\row, r12]
  ldrsb r11, [\row, r12, lsl #1]
  BEGIN_OR_ADD r4, r9, r6, \tap
  .if \pixels == 2
  add r9, \row, lr
  .endif
  mla r4, r10, r7, r4
  mla r4, r11, r8, r4
  .if \pixels == 2
  ldrsb r10, [r9]
  ldrsb r11, [r9, r12]
  ldrsb r9, [r9, r12, lsl #1]
  BEGIN_OR_ADD r5, r10, r6, \tap
  mla r5, r11, r7, r5
  mla r5, r9, r8, r5
  .endif
  .endm

  .macro BEGIN_OR_ADD sum, a, b, tap
  .if \tap == 0
  mul \sum, \a, \b
  .else
  mla \sum, \a, \b, \sum
  .endif
  .endm

// One or two pixels, channel by channel.
  .macro ALL_CHANNELS pixels
.Lchannel\@:
  THREE_TAPS r0, 0, \pixels
  THREE_TAPS r1, 3, \pixels
  THREE_TAPS r2, 6, \pixels
  ldm sp, {r6-r11}
  ldr r6, [r6, r11, lsl #2]
  ldr r7, [r7, r11, lsl #2]
  ldrsb r8, [r8, r11]
  add r10, r10, r11
  add r11, r11, #1
  str r11, [sp, #FRAME_CHANNEL]
  cmp r11, r12 // no instruction up to the branch changes flags
  PREPARE_SCALING
  add r4, r4, r6
  .if \pixels == 2
  add r5, r5, r6
  .endif
  SCALE r4, r6, r11
  .if \pixels == 2
  SCALE r5, r6, r11
  .endif
  add r0, r0, #1
  add r1, r1, #1
  add r2, r2, #1
  add r3, r3, #9
  strb r4, [r10]
  .if \pixels == 2
  strb r5, [r10, r12]
  .endif
  bne .Lchannel\@
  .endm

// void alpharho_row_3x3_pair(const struct row_job *job)
//
// register  taps                              requantization
// r0-r2     channel of the first tap in rows  the same
// r3        weights of the channel            the same
// r4, r5    sums of both pixels               their outputs
// r6        weights                           bias; then lower half of a product
// r7, r8    weights                           doubled multiplier, right shift less 1
// r9        input; place of the second pixel  zero point and half a step
// r10       input                             where the output is
// r11       input                             channel; then upper half of a product
// r12       number of channels                the same
// lr        step to the second pixel          the same
FUNCTION alpharho_row_3x3_pair
  push {r4-r11, lr}
  ldm r0, {r1-r5} // bias, multiplier, shift, rounding, out
  mov r6, #0
  push {r1-r6}
  ldr r12, [r0, #ROW_CHANNELS]
  ldr r3, [r0, #ROW_WEIGHTS]
  ldr lr, [r0, #ROW_STEP]
  ldrd r1, r2, [r0, #ROW_ROWS + 4]
  ldr r0, [r0, #ROW_ROWS]
  cmp lr, #0
  beq 1f
  ALL_CHANNELS 2
  b 2f
1:
  ALL_CHANNELS 1
2:
  add sp, #FRAME_BYTES
  pop {r4-r11, pc}
END_FUNCTION alpharho_row_3x3_pair

#elif defined(__thumb__)

#include "armv6m.inc"

// One tap of both pixels, added to the sums, or moved there. Signed bytes have no load with an offset that is a number.
  .macro TAP row, tap, to=add
  ldrb r5, [r7, #\tap]
  sxtb r5, r5
  ldrsb r6, [\row, r3]
  muls r6, r5, r6
  \to r8, r6
  ldrsb r6, [\row, r4]
  muls r5, r6, r5
  \to r9, r5
  .endm

  .macro COLUMN first, to=add
  TAP r0, \first, \to
  TAP r1, \first + 3
  TAP r2, \first + 6
  .endm

// void alpharho_row_3x3_pair(const struct row_job *job)
//
// register  taps                            requantization
// r0-r2     rows                            a sum, temporaries
// r3, r4    offsets of both pixels in them  temporary, multiplier
// r5        weight, product                 multiplier
// r6        product                         right shift
// r7        weights of the channel          what is added before it
// r8, r9    sums of both pixels             the same
// r10       channel                         the same
// r11       job                             the same
// r12       number of channels              PART_ROUNDING
// lr        2^15                            the same
//
// stack: rounding, r8-r11, r4-r7, return
FUNCTION alpharho_row_3x3_pair
  PUSH_REGISTERS
  mov r11, r0
  ldr r1, [r0, #ROW_ROUNDING]
  push {r1}
  movs r1, #1
  lsls r1, #15
  mov lr, r1
  movs r3, #0
1: // r0: job, r3: channel
  mov r10, r3
  ldr r1, [r0, #ROW_CHANNELS]
  mov r12, r1
  CHECK_ADJACENT ROW_ROWS, ROW_WEIGHTS, 5
  adds r0, #ROW_ROWS
  ldmia r0, {r0, r1, r2, r4, r7}
  adds r4, r3
  lsls r5, r3, #3
  adds r7, r5
  adds r7, r3
  COLUMN 0, mov
  add r3, r12
  add r4, r12
  COLUMN 1
  add r3, r12
  add r4, r12
  COLUMN 2
  mov r0, r11
  mov r5, r10
  CHECK_ADJACENT ROW_BIAS, ROW_SHIFT, 3
  ldmia r0!, {r1, r2, r3}
  ldrsb r6, [r3, r5]
  lsls r5, #2
  ldr r1, [r1, r5]
  ldr r4, [r2, r5]
  add r8, r1
  add r9, r1
  PREPARE_SCALING 0
  ldr r1, =PART_ROUNDING
  mov r12, r1
  mov r0, r8
  REQUANTIZE
  mov r1, r11
  ldr r2, [r1, #ROW_OUT]
  mov r3, r10
  strb r0, [r2, r3]
  mov r0, r9
  REQUANTIZE
  mov r3, r10
  mov r1, r0
  mov r0, r11
  ldr r2, [r0, #ROW_SECOND_OUT]
  strb r1, [r2, r3]
  adds r3, #1
  ldr r1, [r0, #ROW_CHANNELS]
  cmp r3, r1
  beq 3f
  b 1b
3:
  add sp, #4
  POP_REGISTERS
  .ltorg
END_FUNCTION alpharho_row_3x3_pair

#endif
