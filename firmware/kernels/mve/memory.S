// void alpharho_mve_copy(int8_t *to, const int8_t *from, int32_t size)
// void alpharho_mve_copy_rows(int8_t *to, const int8_t *from, const struct rows *rows)
// void alpharho_mve_fill(int8_t *to, int8_t value, int32_t size)
// void alpharho_mve_limit(int8_t *values, int32_t size, int32_t min, int32_t max)
//
// Loops with tail predication, which gcc does not write for C. r12 keeps the return address, lr counts the bytes left.
#include "macros.inc"

#ifdef KERNELS_MVE_ASSEMBLY

// r0 to, r1 from, r2 size
  FUNCTION alpharho_mve_copy
  mov r12, lr
  wlstp.8 lr, r2, .Lcopied
.Lcopy:
  vldrb.8 q0, [r1], #16
  vstrb.8 q0, [r0], #16
  letp lr, .Lcopy
.Lcopied:
  bx r12
  END_FUNCTION alpharho_mve_copy

// r0 to, r1 from, r2 pitch of `to`, r3 pitch of `from`, r4 rows left, r5 bytes of a row, r6 r7 to and from in a row
  FUNCTION alpharho_mve_copy_rows
  push {r4-r7, lr}
  CHECK_ADJACENT ROWS_TO_PITCH, ROWS_BYTES, 4
  ldm r2, {r2-r5}
.Lrow:
  dlstp.8 lr, r5
  mov r6, r0
  mov r7, r1
.Lrow_bytes:
  vldrb.8 q0, [r7], #16
  vstrb.8 q0, [r6], #16
  letp lr, .Lrow_bytes
  add r0, r2
  add r1, r3
  subs r4, #1
  bne .Lrow
  pop {r4-r7, pc}
  END_FUNCTION alpharho_mve_copy_rows

// r0 to, r1 value, r2 size
  FUNCTION alpharho_mve_fill
  mov r12, lr
  vdup.8 q0, r1
  wlstp.8 lr, r2, .Lfilled
.Lfill:
  vstrb.8 q0, [r0], #16
  letp lr, .Lfill
.Lfilled:
  bx r12
  END_FUNCTION alpharho_mve_fill

// r0 values, r1 size; q1 min (r2), q2 max (r3)
  FUNCTION alpharho_mve_limit
  mov r12, lr
  vdup.8 q1, r2
  vdup.8 q2, r3
  wlstp.8 lr, r1, .Llimited
.Llimit:
  vldrb.8 q0, [r0]
  vmax.s8 q0, q0, q1
  vmin.s8 q0, q0, q2
  vstrb.8 q0, [r0], #16
  letp lr, .Llimit
.Llimited:
  bx r12
  END_FUNCTION alpharho_mve_limit

#endif
