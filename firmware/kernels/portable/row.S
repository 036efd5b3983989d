// Rows of depthwise convolutions of 3x3 on Armv6-M. row.h says what the function does; depthwise.c has it in C.
#include "../assembly.inc"
#include "layout.h"

#if defined(__thumb__) && !defined(__thumb2__)

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
