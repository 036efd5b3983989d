// void alpharho_mve_dense_row(const struct alpharho_mve_dense *p, const int8_t *in, int8_t *out, int32_t twice)
//
// One row of inputs against all output channels, four channels at a time. `twice`: whether scaling rounds twice.
//
// Registers         in the loop over taps               after the loop
//   r0 r2 r4 r6     sums of four channels              bias, multiplier, shift, out of the next four channels
//   r1              in, from its beginning             the same
//   r3              in_c                               the same
//   r5              channels left                      the same
//   r7              weights of the next four channels  the same
//   r8 r9 r10 r11   weights of the four channels       those of the next four
//   r12             in                                 twice
//   lr              taps left
//   q0              inputs                             sums, then values
//   q1              weights                            bias
//   q2 q3           min, max                           the same
//   q4 q5           multiplier, shift
//   q6              zero point                         the same
//   P0                                                 which of the four channels there are
//
// A vector instruction takes two cycles of its pipe: beside each of those that scale, an instruction makes the next four
// channels ready.
//
// Stack: #0 r0, r2, r4, r6 as they are after the loop, #16 twice, #20 nothing, #24 q4 to q6
#include "macros.inc"

#ifdef KERNELS_MVE_ASSEMBLY

#define STACK_BYTES 24

  FUNCTION alpharho_mve_dense_row
  push {r4-r11, lr}
  vpush {d8-d13}
  sub sp, #STACK_BYTES
  str r3, [sp, #16]
  mov r6, r2
  load_fields r3, r5, r0, DENSE_IN_C, DENSE_OUT_C
  load_fields r8, r12, r0, DENSE_ZERO_POINT, DENSE_MIN
  ldr r2, [r0, #DENSE_MAX]
  vdup.32 q6, r8
  vdup.32 q2, r12
  vdup.32 q3, r2
  load_fields r7, r12, r0, DENSE_WEIGHTS, DENSE_BIAS
  load_fields r2, r4, r0, DENSE_MULTIPLIER, DENSE_SHIFT
  mov r0, r12
  stm sp, {r0, r2, r4, r6}
  mov r8, r7
  add r9, r8, r3
  add r10, r9, r3
  add r11, r10, r3
  add r7, r11, r3
.Lchannels:
  cmp r5, #4
  blt .Lfew
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
  ldr r12, [sp, #16]
  vmov q0[2], q0[0], r0, r4
  vmov q0[3], q0[1], r2, r6
  ldm sp, {r0, r2, r4, r6}
  vctp.32 r5
  vpsttt
  vldrwt.u32 q1, [r0], #16
  vldrwt.u32 q4, [r2], #16
  vldrbt.s32 q5, [r4], #4
  vadd.i32 q0, q0, q1
  mov r8, r7
  cmp r12, #0
  bne .Ltwice
  vmulh.s32 q0, q0, q4 // rounding the upper half of the product rounds the product
.Lshift:
  add r9, r8, r3
  vrshl.s32 q0, q0, q5
  add r10, r9, r3
  vadd.i32 q0, q0, q6
  add r11, r10, r3
  vmax.s32 q0, q0, q2
  add r7, r11, r3
  vmin.s32 q0, q0, q3
  subs r5, #4
  vpst
  vstrbt.32 q0, [r6], #4
  stm sp, {r0, r2, r4, r6}
  bgt .Lchannels
  add sp, #STACK_BYTES
  vpop {d8-d13}
  pop {r4-r11, pc}
.Ltwice:
  vqrdmulh.s32 q0, q0, q4
  SIGN_TO_ROUND q0, q1
  b .Lshift
.Lfew: // The first of the channels that are left takes the place of those that are not there.
  mov r11, r8
  cmp r5, #2
  it le
  movle r10, r8
  it lt
  movlt r9, r8
  b .Lfour
  END_FUNCTION alpharho_mve_dense_row

#endif
