// Rows of depthwise convolutions of 3x3 on Armv6-M. row.h says what the function does; depthwise.c has it in C.
#include "../assembly.inc"
#include "layout.h"

#if defined(__thumb__) && !defined(__thumb2__)

#include "armv6m.inc"

// One tap of both pixels. Signed bytes have no load with an offset that is a number.
  .macro TAP row, tap
  ldrb r5, [r7, #\tap]
  sxtb r5, r5
  ldrsb r6, [\row, r3]
  muls r6, r5, r6
  add r8, r6
  ldrsb r6, [\row, r4]
  muls r5, r6, r5
  add r9, r5
  .endm

  .macro COLUMN first
  TAP r0, \first
  TAP r1, \first + 3
  TAP r2, \first + 6
  .endm

// void alpharho_row_3x3_pair(const struct row_job *job)
//
// register  taps                            requantization
// r0-r2     rows                            a sum, temporaries
// r3, r4    offsets of both pixels in them  temporary, multiplier
// r5        weight, product                 multiplier
// r6        product                         right shift less 1
// r7        weights of the channel          least output
// r8, r9    sums of both pixels             the same
// r10       channel                         the same
// r11       job                             the same
// r12       not used                        2^14
// lr        number of channels              greatest output
//
// stack: zero point, r8-r11, r4-r7, return
FUNCTION alpharho_row_3x3_pair
  PUSH_REGISTERS
  mov r11, r0
  ldr r1, [r0, #ROW_ZERO_POINT]
  push {r1}
  movs r3, #0
  mov r10, r3
  movs r1, #1
  lsls r1, #14
  mov r12, r1
1: // r0: job, r3: channel
  ldr r1, [r0, #ROW_CHANNELS]
  mov lr, r1
  adds r0, #ROW_ROWS
  ldmia r0, {r0, r1, r2, r4, r7}
  adds r4, r3
  lsls r5, r3, #3
  adds r7, r5
  adds r7, r3
  movs r5, #0
  mov r8, r5
  mov r9, r5
  COLUMN 0
  add r3, lr
  add r4, lr
  COLUMN 1
  add r3, lr
  add r4, lr
  COLUMN 2
  mov r0, r11
  ldmia r0!, {r1, r2, r3, r4}
  mov r5, r10
  lsls r6, r5, #2
  ldr r1, [r1, r6]
  add r8, r1
  add r9, r1
  ands r5, r4
  ldrsb r6, [r3, r5]
  lsls r5, #2
  ldr r4, [r2, r5]
  ldmia r0!, {r1, r7}
  mov lr, r1
  PREPARE_SCALING
  mov r0, r8
  REQUANTIZE "[sp]"
  mov r1, r11
  ldr r2, [r1, #ROW_OUT]
  add r2, r10
  strb r0, [r2]
  mov r0, r9
  REQUANTIZE "[sp]"
  mov r3, r10
  mov r1, r0
  mov r0, r11
  ldr r2, [r0, #ROW_SECOND_OUT]
  strb r1, [r2, r3]
  adds r3, #1
  mov r10, r3
  ldr r1, [r0, #ROW_CHANNELS]
  cmp r3, r1
  beq 3f
  b 1b
3:
  add sp, #4
  POP_REGISTERS
END_FUNCTION alpharho_row_3x3_pair

#endif
