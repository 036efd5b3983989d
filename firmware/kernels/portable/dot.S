// Pairs of inputs against two rows of weights. dot.h says what the function does, dot.c has it in C.
#include "../assembly.inc"

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

  .macro ADD_LANES
  uxth r11, r10
  add r4, r11
  add r5, r5, r10, lsr #16
  uxth lr, r2
  add r6, lr
  add r7, r7, r2, lsr #16
  .endm

  .macro MOVE taps
  add r0, #4 * \taps
  add r1, #\taps
  add r8, #\taps
  .endm

// void alpharho_dot_pairs(const uint32_t *pairs, const int8_t *const weights[2], int32_t depth, uint32_t sums[4])
//
// register    on entry  in the loops
// r0          pairs     next pair of inputs
// r1, r8      weights   next weight of rows 0 and 1 (r8: not used)
// r2          depth     a weight of row 1, then two sums
// r3, r9      sums      two pairs of inputs
// r4-r7       -         sums[0] to sums[3]
// r10         -         a weight of row 0, then two sums
// r11, lr     lr:return weights of the second tap, then a sum
// r12         -         what keeps both sums of a word above 0
//
// stack: end of the pairs in eights, of those in twos, depth % 2, sums
FUNCTION alpharho_dot_pairs
  push {r3-r11, lr}
  ldm r3, {r4-r7}
  ldrd r1, r8, [r1]
  and r11, r2, #1
  bic r10, r2, #1
  add r10, r0, r10, lsl #2
  bic r9, r2, #7
  add r9, r0, r9, lsl #2
  push {r9-r11}
  movw r12, #0x7f80
  movt r12, #0x7f80
  cmp r0, r9
  beq 2f
1:
  TWO_TAPS 0, 0
  TWO_TAPS 8, 2
  TWO_TAPS 16, 4
  TWO_TAPS 24, 6
  MOVE 8
  ldr r9, [sp]
  cmp r0, r9
  bne 1b
2:
  ldr r9, [sp, #4]
  cmp r0, r9
  beq 3f
  TWO_TAPS 0, 0
  MOVE 2
  b 2b
3:
  ldr r9, [sp, #8]
  cmp r9, #0
  beq 4f
  ldr r3, [r0]
  ldrsb r10, [r1]
  ldrsb r2, [r8]
  mla r10, r3, r10, r12
  mla r2, r3, r2, r12
  ADD_LANES
4:
  add sp, #12
  pop {r3}
  stm r3, {r4-r7}
  pop {r4-r11, pc}
END_FUNCTION alpharho_dot_pairs

#elif defined(__thumb__)

// Adds both sums of r6 to those of a row of weights.
  .macro ADD_LANES low, high
  add r6, r12
  uxth r7, r6
  add \low, r7
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

// void alpharho_dot_pairs(const uint32_t *pairs, const int8_t *const weights[2], int32_t depth, uint32_t sums[4])
//
// register  on entry  in the loops
// r0        pairs     next pair of inputs
// r1        weights   row 0 of the weights
// r2        depth     row 1 of the weights, a byte before it
// r3        sums      the tap
// r4, r5    -         two pairs of inputs
// r6, r7    -         products, sums
// r8-r11    -         sums[0] to sums[3]
// r12       -         what keeps both sums of a word above 0
// lr        return    end of the pairs in eights, then of those in twos
//
// stack: end of the pairs in twos, depth % 2, r8-r11, sums
FUNCTION alpharho_dot_pairs
  push {r3-r7, lr}
  mov r4, r8
  mov r5, r9
  mov r6, r10
  mov r7, r11
  push {r4-r7}
  ldmia r3!, {r4-r7}
  mov r8, r4
  mov r9, r5
  mov r10, r6
  mov r11, r7
  ldr r3, =0x7f807f80
  mov r12, r3
  lsrs r4, r2, #3
  lsls r4, #5
  adds r4, r0
  mov lr, r4
  lsrs r4, r2, #1
  lsls r4, #3
  adds r4, r0
  movs r5, #1
  ands r5, r2
  push {r4, r5}
  ldr r2, [r1, #4]
  subs r2, #1
  ldr r1, [r1]
  movs r3, #0
  cmp r0, lr
  beq 2f
1:
  .rept 4
  TWO_TAPS
  .endr
  cmp r0, lr
  bne 1b
2:
  pop {r4}
  mov lr, r4
3:
  cmp r0, lr
  beq 4f
  TWO_TAPS
  b 3b
4:
  pop {r5}
  tst r5, r5
  beq 5f
  ldr r4, [r0]
  ldrsb r6, [r1, r3]
  muls r6, r4, r6
  ADD_LANES r8, r9
  adds r3, #1
  ldrsb r6, [r2, r3]
  muls r6, r4, r6
  ADD_LANES r10, r11
5:
  ldr r3, [sp, #16] // sums
  mov r4, r8
  mov r5, r9
  mov r6, r10
  mov r7, r11
  stmia r3!, {r4-r7}
  pop {r4-r7}
  mov r8, r4
  mov r9, r5
  mov r10, r6
  mov r11, r7
  pop {r3-r7, pc}
  .ltorg
END_FUNCTION alpharho_dot_pairs

#endif
