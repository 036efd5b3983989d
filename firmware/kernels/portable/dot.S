// Pairs of inputs against two rows of weights. dot.h says what the function does, dot.c has it in C.
#include "../assembly.inc"
#include "layout.h"

#if defined(__thumb2__)

// Two taps, \x bytes into the inputs and \w bytes into the weights. Loads that move no base overlap on a Cortex-M3.
  .macro TWO_TAPS x, w
  ldr r3, [r0, #\x]
  ldr r9, [r0, #\x + 4]
  ldrsb r10, [r1, #\w]
  ldrsb r11, [r1, #\w + 1]
  ldrsb r2, [r8, #\w]
  ldrsb lr, [r8, #\w + 1]
  mla r10, r3, r10, r12
  mla r10, r9, r11, r10
  mla r2, r3, r2, r12
  mla r2, r9, lr, r2
  ADD_LANES
  .endm

// Both sums to the first of each row, the upper one to the second, which is taken off the first in the end.
  .macro ADD_LANES
  add r4, r10
  add r5, r5, r10, lsr #16
  add r6, r2
  add r7, r7, r2, lsr #16
  .endm

  .macro MOVE taps
  add r0, #4 * \taps
  add r1, #\taps
  add r8, #\taps
  .endm

// The frame, above which are r4-r11 and lr.
#define FRAME_JOB        0
#define FRAME_EIGHTS_END 4
#define FRAME_TWOS_END   8  // and 1 with an odd depth
#define FRAME_CHANNELS   12 // left
#define FRAME_STEP       16
#define FRAME_BYTES      20

  CHECK_ADJACENT JOB_WEIGHTS, JOB_EIGHTS_END, 6
  CHECK_ADJACENT JOB_DEPTH, JOB_CHANNELS, 5
  CHECK_ADJACENT JOB_MULTIPLIER, JOB_ROUNDING, 4
  CHECK_ADJACENT JOB_MIN, JOB_MAX, 2

// Compare taps left with 1: higher if there are two and more. Changes r10.
  .macro TAPS_LEFT
  ldr r10, [sp, #FRAME_TWOS_END]
  subs r10, r0
  cmp r10, #1
  .endm

// The next channel's multiplier (r0), and right shift less 2 (r3). Changes r11.
  .macro NEXT_SCALING
  ldr r11, [sp, #FRAME_STEP]
  ldr r0, [r1]
  ldrsb r3, [r2]
  add r1, r1, r11, lsl #2
  add r2, r11
  mvns r3, r3
  subs r3, #1
  .endm

// \sum = int8 from itself, as `requantize` of requant.h has it for right shifts of 2 and more: half a step of the first
// rounding and, where the sum is negative, a whole one less are added to the product. Changes r11, lr.
  .macro SCALE sum
  asr r11, \sum, #31
  orr lr, r10, r11, lsl #31
  smlal lr, r11, \sum, r0
  asr r11, r3
  add r11, r9
  ssat \sum, #8, r11, asr #1
  .endm

// \sum = itself times the multiplier, by 2^31. Changes r11, r12.
  .macro MULTIPLY_HIGH sum
  smull r12, r11, \sum, r0
  adds r12, r10
  adc \sum, r11, #0
  lsl \sum, \sum, #1
  orr \sum, \sum, r12, lsr #31
  .endm

  .macro STORE first, second
  strb \first, [r8]
  strb \second, [r8, r12]
  add r8, #1
  .endm

  .macro LIMIT value
  cmp \value, r10
  it lt
  movlt \value, r10
  cmp \value, r11
  it gt
  movgt \value, r11
  .endm

// void alpharho_multiply_pairs(struct pair_job *job)
//
// register  sums                         requantization
// r0        next pair of inputs          multiplier
// r1        next weight of row 0         address of the next multiplier
// r2        a weight of row 1, sums      address of the next shift
// r3        a pair of inputs             right shift less 2
// r4-r7     sums of rows 0 and 1         the same, outputs
// r8        next weight of row 1         outputs
// r9        a pair of inputs             rounding
// r10       a weight of row 0, sums      2^30
// r11       a weight of row 0            upper half of a product
// r12       PAIR_BIAS                    pitch
// lr        a weight of row 1            lower half of a product
FUNCTION alpharho_multiply_pairs
  push {r4-r11, lr}
  add r1, r0, #JOB_DEPTH
  ldm r1, {r1-r5} // depth, pairs, eights_end, twos_end, channels
  ldr r6, [r0, #JOB_STEP]
  and r1, r1, #1
  add r4, r1
  mov r9, r5
  push {r0, r3-r6}
.Lpair: // r0: job, r9: channels left. An odd channel is the first, and then computed twice.
  ldm r0, {r1-r3, r10-r12} // weights, bias, lanes, depth, pairs, eights_end
  ldr r4, [r2], #4
  subs r4, r3
  mov r6, r4
  mov r8, r1
  add r7, r1, r10
  lsrs r9, #1
  bcs 1f
  ldr r6, [r2], #4
  subs r6, r3
  mov r8, r7
  add r7, r10
1:
  strd r7, r2, [r0, #JOB_WEIGHTS]
  mov r5, r4
  add r4, r4, r4, lsl #16
  mov r7, r6
  add r6, r6, r6, lsl #16
  mov r0, r11
  cmp r0, r12
  movw r12, #0x7f80
  movt r12, #0x7f80
  beq 3f
2:
  TWO_TAPS 0, 0
  TWO_TAPS 8, 2
  TWO_TAPS 16, 4
  TWO_TAPS 24, 6
  MOVE 8
  ldr r9, [sp, #FRAME_EIGHTS_END]
  cmp r0, r9
  bne 2b
3:
  TAPS_LEFT
  bhi .Ltwo_taps
  bne 5f
4:
  ldr r3, [r0]
  ldrsb r10, [r1]
  ldrsb r2, [r8]
  mla r10, r3, r10, r12
  mla r2, r3, r2, r12
  ADD_LANES
5:
  sub r4, r4, r5, lsl #16
  sub r6, r6, r7, lsl #16
  ldr r0, [sp, #FRAME_JOB]
  ldr r12, [r0, #JOB_PITCH]
  add r8, r0, #JOB_MULTIPLIER
  ldm r8, {r1, r2, r8, r9} // multiplier, shift, out, rounding
  mov r10, #0x40000000
  NEXT_SCALING
  bmi .Lother_shift
  SCALE r4
  SCALE r5
.Lstore:
  ldr r11, [sp, #FRAME_CHANNELS]
  STORE r4, r5
  lsrs r3, r11, #1
  bcs .Lodd_stored
  NEXT_SCALING
  bmi .Lother_second_shift
  SCALE r6
  SCALE r7
.Lstore_second:
  ldr r9, [sp, #FRAME_CHANNELS]
  STORE r6, r7
  sub r9, #1
6:
  ldr r0, [sp, #FRAME_JOB]
  subs r9, #1
  beq 7f
  str r9, [sp, #FRAME_CHANNELS]
  strd r1, r2, [r0, #JOB_MULTIPLIER]
  str r8, [r0, #JOB_OUT]
  b .Lpair
7:  // Limits other than those of int8
  ldrd r10, r11, [r0, #JOB_MIN]
  cmn r10, #128
  it eq
  cmpeq r11, #127
  bne .Llimit
8:
  add sp, #FRAME_BYTES
  pop {r4-r11, pc}
.Lodd_stored:
  mov r9, r11
  b 6b
.Ltwo_taps:
  TWO_TAPS 0, 0
  MOVE 2
  TAPS_LEFT
  bhi .Ltwo_taps
  beq 4b
  b 5b
.Llimit: // both pixels, from the last channel to the first
  ldr r3, [r0, #JOB_CHANNELS]
9:
  sub r8, #1
  ldrsb r4, [r8]
  ldrsb r5, [r8, r12]
  LIMIT r4
  LIMIT r5
  strb r4, [r8]
  strb r5, [r8, r12]
  subs r3, #1
  bne 9b
  b 8b
.Lother_second_shift:
  mov r4, r6
  mov r5, r7
  bl .Lscale_other
  mov r6, r4
  mov r7, r5
  b .Lstore_second
.Lother_shift:
  bl .Lscale_other
  b .Lstore
.Lscale_other: // r4 and r5, for a right shift of 1 (r3: -1), or a shift to the left
  push {r12, lr}
  adds r3, #1
  mvn r3, r3
  itt ne
  lslne r4, r3
  lslne r5, r3
  MULTIPLY_HIGH r4
  MULTIPLY_HIGH r5
  cmp r3, #0
  bge 1f
  add r4, r4, r4, asr #31
  add r5, r5, r5, asr #31
  add r4, r9
  add r5, r9
  ssat r4, #8, r4, asr #1
  ssat r5, #8, r5, asr #1
  pop {r12, pc}
1:
  add r4, r4, r9, asr #1
  add r5, r5, r9, asr #1
  ssat r4, #8, r4
  ssat r5, #8, r5
  pop {r12, pc}
END_FUNCTION alpharho_multiply_pairs

#elif defined(__thumb__)

#include "armv6m.inc"

// Adds both sums of r6 to the first of a row of weights, and the upper one to the second, which is taken off the first
// in the end.
  .macro ADD_LANES low, high
  add r6, r12
  add \low, r6
  lsrs r6, #16
  add \high, r6
  .endm

// Two taps of one row of weights, the first at \row + r3.
  .macro TWO_OF row, low, high
  ldrsb r6, [\row, r3]
  muls r6, r4, r6
  adds r3, #1
  ldrsb r7, [\row, r3]
  muls r7, r5, r7
  adds r6, r7
  ADD_LANES \low, \high
  .endm

  .macro TWO_TAPS
  ldmia r0!, {r4, r5}
  TWO_OF r1, r8, r9
  TWO_OF r2, r10, r11
  .endm

// What the sums of a channel begin with, from its bias in r6: \low and \high. r3: lanes. Changes r7.
  .macro BEGIN_SUMS low, high
  subs r6, r3
  mov \high, r6
  lsls r7, r6, #16
  adds r7, r6
  mov \low, r7
  .endm

// Both sums of a channel: \low, as r0, and \high.
  .macro PART_SUMS low, high
  mov r1, \high
  lsls r1, #16
  mov r0, \low
  subs r0, r1
  .endm

// The frame, above which are r8-r11, r4-r7, return:
#define FRAME_JOB        0
#define FRAME_MULTIPLIER 4 // next multiplier, shift and output
#define FRAME_SHIFT      8
#define FRAME_OUT        12
#define FRAME_ROUNDING   16
#define FRAME_PLAIN      20
#define FRAME_PITCH      24
#define FRAME_CHANNELS   28 // left
#define FRAME_TAPS_LEFT  32 // behind those by eight
#define FRAME_BYTES      36

// Outputs of a channel. r12, lr: as REQUANTIZE needs them.
  .macro STORE_CHANNEL low, high
  ldr r1, [sp, #FRAME_MULTIPLIER]
  ldmia r1!, {r4}
  str r1, [sp, #FRAME_MULTIPLIER]
  ldr r2, [sp, #FRAME_SHIFT]
  movs r3, #0
  ldrsb r6, [r2, r3]
  adds r2, #1
  str r2, [sp, #FRAME_SHIFT]
  PREPARE_SCALING FRAME_ROUNDING
  PART_SUMS \low, \high
  REQUANTIZE
  ldr r2, [sp, #FRAME_OUT]
  strb r0, [r2]
  mov r0, \high
  REQUANTIZE
  ldr r2, [sp, #FRAME_OUT]
  ldr r3, [sp, #FRAME_PITCH]
  strb r0, [r2, r3]
  adds r2, #1
  str r2, [sp, #FRAME_OUT]
  .endm

// void alpharho_multiply_pairs(struct pair_job *job)
//
// register  sums                         requantization
// r0        next pair of inputs          a sum
// r1, r2    rows 0 and 1 of the weights  temporaries
// r3        the tap                      temporary
// r4, r5    two pairs of inputs          multiplier
// r6        products, sums               right shift
// r7        products, sums               what is added before it
// r8-r11    sums of rows 0 and 1         the same
// r12       PAIR_BIAS                    PART_ROUNDING
// lr        end of pairs                 2^15
//
// Operators that are not plain (requant.h) are requantized in C.
FUNCTION alpharho_multiply_pairs
  PUSH_REGISTERS
  sub sp, #FRAME_BYTES
  str r0, [sp]
  CHECK_ADJACENT JOB_MULTIPLIER, JOB_PLAIN, 5
  mov r7, r0
  adds r7, #JOB_MULTIPLIER
  ldmia r7!, {r1-r5} // multiplier, shift, out, rounding, plain
  ldr r6, [r0, #JOB_PITCH]
  add r7, sp, #FRAME_MULTIPLIER
  stmia r7!, {r1-r6}
  ldr r1, [r0, #JOB_CHANNELS]
  ldr r2, [r0, #JOB_DEPTH]
  lsls r2, #29
  lsrs r2, #29
  stmia r7!, {r1, r2}
  b .Lpair
.Lodd:
  BEGIN_SUMS r8, r9
  mov r10, r7
  mov r11, r6
  str r2, [r0, #JOB_BIAS]
  adds r3, r1, r4
  movs r2, r1
  b .Lrows
.Lfar_taps: // too far for a conditional branch
  b .Ltaps
.Lfar_in_c:
  b .Lin_c
.Lpair: // r0: job. An odd channel is the first, and computed twice.
  ldr r7, [sp, #FRAME_CHANNELS]
  CHECK_ADJACENT JOB_WEIGHTS, JOB_EIGHTS_END, 6
  ldmia r0!, {r1-r6} // weights, bias, lanes, depth, pairs, eights_end
  subs r0, #24
  mov lr, r6
  ldmia r2!, {r6}
  lsrs r7, #1
  bcs .Lodd
  BEGIN_SUMS r8, r9
  ldmia r2!, {r6}
  BEGIN_SUMS r10, r11
  str r2, [r0, #JOB_BIAS]
  adds r2, r1, r4
  adds r3, r2, r4
.Lrows: // r1, r2: rows; r3: the next one
  str r3, [r0, #JOB_WEIGHTS]
  subs r2, #1
  ldr r3, =0x7f807f80
  mov r12, r3
  movs r0, r5
  movs r3, #0
  cmp r0, lr
  beq 3f
2:
  .rept 4
  TWO_TAPS
  .endr
  cmp r0, lr
  bne 2b
3:
  ldr r4, [sp, #FRAME_TAPS_LEFT]
  cmp r4, #0
  bne .Lfar_taps
.Lsums:
  ldr r4, [sp, #FRAME_PLAIN]
  cmp r4, #0
  beq .Lfar_in_c
  ldr r1, =PART_ROUNDING
  mov r12, r1
  movs r1, #1
  lsls r1, #15
  mov lr, r1
  STORE_CHANNEL r8, r9
  ldr r3, [sp, #FRAME_CHANNELS]
  lsrs r1, r3, #1
  bcs .Lstored
  STORE_CHANNEL r10, r11
  ldr r3, [sp, #FRAME_CHANNELS]
  subs r3, #1
.Lstored:
  ldr r0, [sp]
  subs r3, #1
  str r3, [sp, #FRAME_CHANNELS]
  beq 8f
  b .Lpair
8:
  add sp, #FRAME_BYTES
  POP_REGISTERS
.Lin_c:
  PART_SUMS r8, r9
  movs r1, r0
  mov r2, r9
  ldr r0, [sp]
  bl alpharho_scale_pair
  ldr r3, [sp, #FRAME_CHANNELS]
  lsrs r1, r3, #1
  bcs .Lstored
  PART_SUMS r10, r11
  movs r1, r0
  mov r2, r11
  ldr r0, [sp]
  bl alpharho_scale_pair
  ldr r3, [sp, #FRAME_CHANNELS]
  subs r3, #1
  b .Lstored
.Ltaps:
  ldr r4, [sp]
  ldr r5, [r4, #JOB_TWOS_END]
  mov lr, r5
4:
  cmp r0, lr
  beq 5f
  TWO_TAPS
  b 4b
5:
  ldr r4, [sp]
  ldr r5, [r4, #JOB_DEPTH]
  lsrs r5, #1
  bcs 6f
  b .Lsums
6:
  ldr r4, [r0]
  ldrsb r6, [r1, r3]
  muls r6, r4, r6
  ADD_LANES r8, r9
  adds r3, #1
  ldrsb r6, [r2, r3]
  muls r6, r4, r6
  ADD_LANES r10, r11
  b .Lsums
  .ltorg
END_FUNCTION alpharho_multiply_pairs

#endif
