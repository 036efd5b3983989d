// void alpharho_mve_dense_row(const struct alpharho_mve_dense *p, const int8_t *in, int8_t *out, int32_t twice)
//
// One row of inputs against all output channels, four channels at a time. `twice`: whether scaling rounds twice.
//
// Registers         in the loop over taps               after the loop
//   r0 r2 r4 r6     sums of four channels              bias, multiplier, shift, out of the next four channels
//   r1              in, from its beginning
//   r3              in_c
//   r5              channels left
//   r7              weights of the next four channels
//   r8 r9 r10 r11   weights of the four channels       r8 zero point, r9 twice
//   r12             in
//   lr              taps left
//   q0              inputs                             sums, then values
//   q1              weights                            bias, multiplier, shift
//   q2 q3           min, max
//   P0                                                 which of the four channels there are
//
// Stack: #0 r0, r2, r4, r6, r8, r9 as they are after the loop
#include "macros.inc"

#ifdef KERNELS_MVE_ASSEMBLY

#define STACK_BYTES 24

  FUNCTION alpharho_mve_dense_row
  push {r4-r11, lr}
  sub sp, #STACK_BYTES
  mov r6, r2
  mov r9, r3
  load_fields r3, r5, r0, DENSE_IN_C, DENSE_OUT_C
  load_fields r8, r12, r0, DENSE_ZERO_POINT, DENSE_MIN
  ldr r2, [r0, #DENSE_MAX]
  vdup.32 q2, r12
  vdup.32 q3, r2
  load_fields r7, r12, r0, DENSE_WEIGHTS, DENSE_BIAS
  load_fields r2, r4, r0, DENSE_MULTIPLIER, DENSE_SHIFT
  mov r0, r12
  stm sp, {r0, r2, r4, r6, r8, r9}
.Lchannels:
  mov r8, r7
  add r9, r8, r3
  add r10, r9, r3
  add r11, r10, r3
  add r7, r11, r3
  cmp r5, #4
  bge .Lfour
  // Where less than four channels are left, the first of them takes the place of those that are not there.
  mov r11, r8
  cmp r5, #2
  it le
  movle r10, r8
  it lt
  movlt r9, r8
.Lfour:
  mov r12, r1
  movs r0, #0
  movs r2, #0
  movs r4, #0
  movs r6, #0
  dlstp.8 lr, r3
.Ltaps:
  vldrb.8 q0, [r12], #16
  vldrb.8 q1, [r8], #16
  vmladava.s8 r0, q0, q1
  vldrb.8 q1, [r9], #16
  vmladava.s8 r2, q0, q1
  vldrb.8 q1, [r10], #16
  vmladava.s8 r4, q0, q1
  vldrb.8 q1, [r11], #16
  vmladava.s8 r6, q0, q1
  letp lr, .Ltaps
  vmov q0[2], q0[0], r0, r4
  vmov q0[3], q0[1], r2, r6
  ldm sp, {r0, r2, r4, r6, r8, r9}
  vctp.32 r5
  vpst
  vldrwt.u32 q1, [r0], #16
  vadd.i32 q0, q0, q1
  vpst
  vldrwt.u32 q1, [r2], #16
  cmp r9, #0
  beq .Lonce
  vqrdmulh.s32 q0, q0, q1
  vshr.s32 q1, q0, #31
  vadd.i32 q0, q0, q1
  b .Lshift
.Lonce:
  vmulh.s32 q0, q0, q1 // rounding the upper half of the product rounds the product
.Lshift:
  vpst
  vldrbt.s32 q1, [r4], #4
  vrshl.s32 q0, q0, q1
  vadd.i32 q0, q0, r8
  vmax.s32 q0, q0, q2
  vmin.s32 q0, q0, q3
  vpst
  vstrbt.32 q0, [r6], #4
  stm sp, {r0, r2, r4, r6}
  subs r5, #4
  bgt .Lchannels
  add sp, #STACK_BYTES
  pop {r4-r11, pc}
  END_FUNCTION alpharho_mve_dense_row

#endif
