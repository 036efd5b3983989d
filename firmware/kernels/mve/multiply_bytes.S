// What STORE_CHANNELS of multiply.inc calls: not a function of C.
#include "macros.inc"

#ifdef KERNELS_MVE_ASSEMBLY
#include "multiply.inc"

// Stores four channels of four pixels where words would not be aligned, or have more than the channels that are left.
//
//   in    q4            a word of four channels for each pixel
//         r1            out of pixel 0
//         [sp]          as for STORE_CHANNELS
//   uses  r0 r2 r4 r6   words of pixels 0 to 3
//         r8 r10 r12    out of pixels 1 to 3
  FUNCTION alpharho_mve_store_bytes
  ldr r12, [sp, #STACK_LEFT]
  vmov r0, r4, q4[2], q4[0]
  vmov r2, r6, q4[3], q4[1]
  ldrd r8, r10, [sp, #STACK_NEXT + 4]
  subs r12, #MVE_CHANNELS
  str r12, [sp, #STACK_LEFT]
  blt .Lsome
  ldr r12, [sp, #STACK_NEXT + 12]
  str r0, [r1]
  str r2, [r1, r8]
  str r4, [r1, r10]
  str r6, [r1, r12]
  bx lr
.Lsome:
  cmp r12, #-2
  ldr r12, [sp, #STACK_NEXT + 12]
  add r8, r1
  add r10, r1
  add r12, r1
  blt .Lone
  strh r0, [r1]
  strh r2, [r8]
  strh r4, [r10]
  strh r6, [r12]
  beq .Lstored
  .irp word, r0, r2, r4, r6
  lsr \word, \word, #16
  .endr
  strb r0, [r1, #2]
  strb r2, [r8, #2]
  strb r4, [r10, #2]
  strb r6, [r12, #2]
.Lstored:
  bx lr
.Lone:
  strb r0, [r1]
  strb r2, [r8]
  strb r4, [r10]
  strb r6, [r12]
  bx lr
  END_FUNCTION alpharho_mve_store_bytes

#endif
