// One row of inputs against four rows of weights. dense.h says what the function does, dense.c has it in C.
#include "../assembly.inc"

#if defined(__thumb2__)

// A tap of each row, \x bytes into them. Loads that move no base overlap on a Cortex-M3.
  .macro TAP x
  ldrsb r9, [r0, #\x]
  ldrsb r10, [r1, #\x]
  ldrsb r11, [r2, #\x]
  ldrsb r12, [r3, #\x]
  ldrsb lr, [r4, #\x]
  mla r5, r9, r10, r5
  mla r6, r9, r11, r6
  mla r7, r9, r12, r7
  mla r8, r9, lr, r8
  .endm

  .macro MOVE taps
  .irp row, r0, r1, r2, r3, r4
  add \row, #\taps
  .endr
  .endm

// void alpharho_dot_rows(const int8_t *in, const int8_t *const rows[4], int32_t taps, int32_t sums[4])
//
// register     on entry  in the loop
// r0           in        next input
// r1           rows      next weight of row 0
// r2           taps      of row 1
// r3           sums      of row 2
// r4           -         of row 3
// r5-r8        -         sums
// r9           -         an input
// r10-r12, lr  -         weights of rows 0 to 3
//
// stack: end of inputs by fours, end of inputs, sums, r4-r11, return
FUNCTION alpharho_dot_rows
  push {r3-r11, lr}
  ldm r3, {r5-r8}
  bic r9, r2, #3
  add r9, r0
  add r10, r0, r2
  push {r9, r10}
  ldm r1, {r1-r4}
  cmp r0, r9
  beq 2f
1:
  TAP 0
  TAP 1
  TAP 2
  TAP 3
  ldr r9, [sp]
  MOVE 4
  cmp r0, r9
  bne 1b
2:
  ldr r9, [sp, #4]
  cmp r0, r9
  beq 3f
  TAP 0
  MOVE 1
  b 2b
3:
  pop {r9-r11}
  stm r11, {r5-r8}
  pop {r4-r11, pc}
END_FUNCTION alpharho_dot_rows

#elif defined(__thumb__)

#include "armv6m.inc"

// The product of the input in r5 and a row's weight.
  .macro ADD_PRODUCT sum, row
  ldrsb r6, [\row, r4]
  muls r6, r5, r6
  add \sum, r6
  .endm

// A tap of each row.
  .macro TAP
  ldrsb r5, [r7, r4]
  ADD_PRODUCT r8, r0
  ADD_PRODUCT r9, r1
  ADD_PRODUCT r10, r2
  ADD_PRODUCT r11, r3
  adds r4, #1
  .endm

// void alpharho_dot_rows(const int8_t *in, const int8_t *const rows[4], int32_t taps, int32_t sums[4])
//
// register  on entry  in the loop
// r0        in        weights of row 0
// r1        rows      of row 1
// r2        taps      of row 2
// r3        sums      of row 3
// r4        -         the tap
// r5        -         an input
// r6        -         a weight, a product
// r7        -         inputs
// r8-r11    -         sums
// r12       -         taps by fours
// lr        return    taps
//
// stack: sums, r8-r11, r4-r7, return
FUNCTION alpharho_dot_rows
  PUSH_REGISTERS
  push {r3}
  mov lr, r2
  lsrs r2, #2
  lsls r2, #2
  mov r12, r2
  ldmia r3!, {r4-r7}
  mov r8, r4
  mov r9, r5
  mov r10, r6
  mov r11, r7
  mov r7, r0
  ldmia r1, {r0-r3}
  movs r4, #0
  cmp r4, r12
  beq 2f
1:
  .rept 4
  TAP
  .endr
  cmp r4, r12
  bne 1b
2:
  cmp r4, lr
  beq 3f
  TAP
  b 2b
3:
  pop {r0}
  mov r4, r8
  mov r5, r9
  mov r6, r10
  mov r7, r11
  stmia r0!, {r4-r7}
  POP_REGISTERS
END_FUNCTION alpharho_dot_rows

#endif
