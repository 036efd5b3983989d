// Two rows of inputs against two rows of weights. dot.h says what the function does, dot.c has it in C.
#include "../assembly.inc"

#if defined(__thumb2__)

// One tap: both inputs times both weights. Of C, the compiler does not advance all four addresses as they are used.
  .macro FOUR_PRODUCTS
  ldrsb r9, [r0], #1
  ldrsb r11, [r2], #1
  ldrsb r10, [r1], #1
  mla r4, r9, r10, r4
  mla r5, r11, r10, r5
  ldrsb r10, [r12], #1
  mla r6, r9, r10, r6
  mla r7, r11, r10, r7
  .endm

// void alpharho_dot_two_by_two(const int8_t *rows, const int8_t *weights, int32_t depth, uint32_t sums[4])
//
// register  on entry  in the loops
// r0        rows      next input of row 0
// r1        weights   next weight of row 0
// r2        depth     next input of row 1
// r3        sums      the same
// r4-r7     -         sums[0] to sums[3]
// r8        -         end of row 0, rounded down to four taps
// r9, r11   -         inputs of rows 0 and 1
// r10       -         a weight
// r12       -         next weight of row 1
// lr        return    end of row 0
FUNCTION alpharho_dot_two_by_two
  push {r4-r11, lr}
  ldm r3, {r4-r7}
  add lr, r0, r2
  add r12, r1, r2
  bics r8, r2, #3
  mov r2, lr
  beq 2f
  add r8, r0
1:
  .rept 4
  FOUR_PRODUCTS
  .endr
  cmp r0, r8
  bne 1b
2:
  cmp r0, lr
  beq 4f
3:
  FOUR_PRODUCTS
  cmp r0, lr
  bne 3b
4:
  stm r3, {r4-r7}
  pop {r4-r11, pc}
END_FUNCTION alpharho_dot_two_by_two

#elif defined(__thumb__)

// void alpharho_dot_two_by_two(const int8_t *rows, const int8_t *weights, int32_t depth, uint32_t sums[4])
//
// register  on entry  in the loop
// r0        rows      the same
// r1        weights   the same
// r2        depth     tap k, an offset into row 0 of both
// r3        sums      depth + k, an offset into row 1 of both
// r4, r5    -         inputs of rows 0 and 1
// r6        -         a weight
// r7        -         a product
// r8-r11    -         sums[0] to sums[3]
//
// From the last tap to the first. 16 instructions for four products, where a compiler makes 23 of C: Armv6-M loads
// signed bytes by two low registers only, and adds to high ones.
FUNCTION alpharho_dot_two_by_two
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
  lsls r3, r2, #1
  subs r3, #1
  subs r2, #1
1:
  ldrsb r4, [r0, r2]
  ldrsb r5, [r0, r3]
  ldrsb r6, [r1, r2]
  movs r7, r6
  muls r7, r4, r7
  add r8, r7
  muls r6, r5, r6
  add r9, r6
  ldrsb r6, [r1, r3]
  muls r4, r6, r4
  add r10, r4
  muls r5, r6, r5
  add r11, r5
  subs r3, #1
  subs r2, #1
  bpl 1b
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
END_FUNCTION alpharho_dot_two_by_two

#endif
