// void alpharho_mve_multiply_8(const struct multiply_job *job)
// void alpharho_mve_multiply_16(const struct multiply_job *job)
//
// Groups of four pixels, 8 or 16 taps each, against all output channels: the inputs of a group stay in vectors.
//
// Registers        while taps are multiplied                    while sums are stored
//   r0 r2 r4 r6    sums of pixels 0 to 3, first channel         scaling of two channels
//   r8 r10 r12 lr  sums of pixels 0 to 3, second channel        scaling of two channels (r8, r10)
//   r1             out of pixel 0
//   r3             end of packed
//   r5             zero point in the lower half; bits 30 and 29: see STORE_CHANNELS
//   r7             inputs of the next group
//   r9             packed
//   q0 q1 q2 q3    inputs of pixels 0 to 3 (of 8 taps: twice)   q3: temporary
//   q4 q6          weights, then sums of channels 0 and 2, a lane for each pixel
//   q5 q7          sums of channels 1 and 3
//   P0             the lower half of a vector
//
// Stack: #STACK_NEXT     how far from r1 the outputs of each pixel are, four words
//        #STACK_LEFT     channels left
//        #STACK_PACKED   packed, from its beginning
//        #STACK_GROUPS   groups left
//        #STACK_ADVANCE  from the end of the outputs of pixel 0 to those of the next group
//        #STACK_CHANNELS channels
//        #STACK_Q3       a copy of q3
#include "macros.inc"

#ifdef KERNELS_MVE_ASSEMBLY
#include "multiply.inc"

#define STACK_PACKED   20
#define STACK_GROUPS   24
#define STACK_ADVANCE  28
#define STACK_CHANNELS 32
#define STACK_Q3       36
#define STACK_BYTES    56

  .macro LOAD_INPUTS_16
  vldrb.8 q0, [r7], #16
  vldrb.8 q1, [r7], #16
  vldrb.8 q2, [r7], #16
  vldrb.8 q3, [r7], #16
  .endm

// Pixels 0 and 1 come in q0, pixels 2 and 3 in q2: each eight bytes to both halves of its vector.
  .macro LOAD_INPUTS_8
  vldrb.8 q0, [r7], #16
  vldrb.8 q2, [r7], #16
  vmov d2, d1
  vmov d3, d1
  vmov d1, d0
  vmov d6, d5
  vmov d7, d5
  vmov d5, d4
  .endm

  .macro ONE_CHANNEL_16 weights, sum0, sum1, sum2, sum3
  vldrb.8 \weights, [r9], #16
  vmladav.s8 \sum0, q0, \weights
  vmladav.s8 \sum1, q1, \weights
  vmladav.s8 \sum2, q2, \weights
  vmladav.s8 \sum3, q3, \weights
  .endm

  .macro TWO_CHANNELS_16 weights
  ONE_CHANNEL_16 \weights, r0, r2, r4, r6
  ONE_CHANNEL_16 \weights, r8, r10, r12, lr
  .endm

  .macro TWO_CHANNELS_8 weights
  vldrb.8 \weights, [r9], #16
  FIRST_PIXELS vmladav, q0, q1, \weights
  LAST_PIXELS vmladav, q2, q3, \weights
  .endm

  .macro MULTIPLY_GROUPS taps
  push {r4-r11, lr}
  vpush {d8-d15}
  sub sp, #STACK_BYTES
  vldrw.u32 q0, [r0, #JOB_NEXT]
  vstrw.32 q0, [sp, #STACK_NEXT]
  load_fields r1, r5, r0, JOB_OUT, JOB_MODE
  load_fields r4, r6, r0, JOB_GROUPS, JOB_ADVANCE
  load_fields r9, r3, r0, JOB_PACKED, JOB_PACKED_END
  ldr r7, [r0, #JOB_INPUTS]
  ldr r8, [r0, #JOB_CHANNELS]
  strd r9, r4, [sp, #STACK_PACKED]
  strd r6, r8, [sp, #STACK_ADVANCE]
  movs r2, #0xff
  vmsr p0, r2
.Lgroup_\taps:
  ldr r9, [sp, #STACK_PACKED]
  ldr r8, [sp, #STACK_CHANNELS]
  str r8, [sp, #STACK_LEFT]
  LOAD_INPUTS_\taps
  vstrw.32 q3, [sp, #STACK_Q3]
.Lchannels_\taps:
  TWO_CHANNELS_\taps q4
  SUMS_TO_LANES q4, q5
  TWO_CHANNELS_\taps q6
  STORE_CHANNELS q3, 0, , "cmp r9, r3"
  vldrw.u32 q3, [sp, #STACK_Q3]
  bne .Lchannels_\taps
  ldrd r4, r6, [sp, #STACK_GROUPS]
  add r1, r6
  subs r4, #1
  str r4, [sp, #STACK_GROUPS]
  bne .Lgroup_\taps
  add sp, #STACK_BYTES
  vpop {d8-d15}
  pop {r4-r11, pc}
  .endm

  FUNCTION alpharho_mve_multiply_16
  MULTIPLY_GROUPS 16
  END_FUNCTION alpharho_mve_multiply_16

  FUNCTION alpharho_mve_multiply_8
  MULTIPLY_GROUPS 8
  END_FUNCTION alpharho_mve_multiply_8

#endif
