// void alpharho_mve_add(const struct alpharho_mve_add *p, const int8_t *in1, const int8_t *in2, int8_t *out)
// void alpharho_mve_mul_rows(const struct alpharho_mve_mul *p, const int8_t *in1, const int8_t *in2, int8_t *out)
// void alpharho_mve_table(const int8_t *table, const int8_t *in, int8_t *out, int32_t size)
#include "macros.inc"

#ifdef KERNELS_MVE_ASSEMBLY

// Four elements at a time.
//
//   r0        size
//   r1 r2 r3  in1, in2, out
//   r4        factor1, then in q2
//   r5 to r7  factor2, offset, shift
//   r8 r12    min and max, then in q3 and q4
//   lr        elements left
//   q0 q1     values
  FUNCTION alpharho_mve_add
  push {r4-r8, lr}
  vpush {d8-d9}
  CHECK_ADJACENT ADD_SIZE, ADD_MAX, 7
  ldm r0, {r0, r4-r8, r12}
  vdup.32 q2, r4
  vdup.32 q3, r8
  vdup.32 q4, r12
  wlstp.32 lr, r0, .Ladded
.Ladd:
  vldrb.s32 q0, [r1], #4
  vldrb.s32 q1, [r2], #4
  vmlas.s32 q0, q2, r6
  vmla.s32 q0, q1, r5
  vshl.s32 q0, r7
  vmax.s32 q0, q0, q3
  vmin.s32 q0, q0, q4
  vstrb.32 q0, [r3], #4
  letp lr, .Ladd
.Ladded:
  vpop {d8-d9}
  pop {r4-r8, pc}
  END_FUNCTION alpharho_mve_add

  .macro REQUANTIZE product
  vqrdmulh.s32 \product, \product, r8
  ROUND_SHIFT \product, q2, r9
  .endm

// Sixteen elements of a row at a time, limited to int8.
//
//   r0           bytes by which whole vectors go beyond the end of a row
//   r1 r2 r3     in1, in2, out
//   r4           rows left
//   r5           size of a row
//   r6 r7        offset1, offset2
//   r8 r9 r10    multiplier, shift, zero point
//   r12          in2, from its beginning
//   lr           elements left of the row
//   q2 q3        in1 plus its offset, even and odd elements; q4 q5 the same of in2
//   q0 q1 q6 q7  products of elements 0, 4, ..; of 2, 6, ..; of 1, 5, ..; of 3, 7, ..
// Narrowing interleaves its two vectors.
  FUNCTION alpharho_mve_mul_rows
  push {r4-r10, lr}
  vpush {d8-d15}
  CHECK_ADJACENT MUL_ROWS, MUL_ZERO_POINT, 7
  ldm r0, {r4-r10}
  rsbs r0, r5, #0
  and r0, r0, #15
  mov r12, r2
.Lrow:
  mov r2, r12
  wlstp.8 lr, r5, .Lrow_end
.Lmul:
  vldrb.8 q0, [r1], #16
  vldrb.8 q1, [r2], #16
  vmovlb.s8 q2, q0
  vmovlt.s8 q3, q0
  vmovlb.s8 q4, q1
  vmovlt.s8 q5, q1
  vadd.i16 q2, q2, r6
  vadd.i16 q3, q3, r6
  vadd.i16 q4, q4, r7
  vadd.i16 q5, q5, r7
  vmullb.s16 q0, q2, q4
  vmullt.s16 q1, q2, q4
  vmullb.s16 q6, q3, q5
  vmullt.s16 q7, q3, q5
  REQUANTIZE q0
  REQUANTIZE q1
  REQUANTIZE q6
  REQUANTIZE q7
  vqmovnb.s32 q0, q0
  vqmovnt.s32 q0, q1
  vqmovnb.s32 q6, q6
  vqmovnt.s32 q6, q7
  vqadd.s16 q0, q0, r10
  vqadd.s16 q6, q6, r10
  vqmovnb.s16 q0, q0
  vqmovnt.s16 q0, q6
  vstrb.8 q0, [r3], #16
  letp lr, .Lmul
.Lrow_end:
  subs r1, r1, r0
  subs r3, r3, r0
  subs r4, #1
  bne .Lrow
  vpop {d8-d15}
  pop {r4-r10, pc}
  END_FUNCTION alpharho_mve_mul_rows

// Sixteen elements at a time. r0 table, r1 in, r2 out, r3 size, lr elements left, r12 the return address, q0 elements,
// as places in the table if the sign is inverted.
  FUNCTION alpharho_mve_table
  mov r12, lr
  vmov.i8 q1, #0x80
  wlstp.8 lr, r3, .Llooked_up
.Llook_up:
  vldrb.8 q0, [r1], #16
  veor q0, q0, q1
  vldrb.u8 q2, [r0, q0]
  vstrb.8 q2, [r2], #16
  letp lr, .Llook_up
.Llooked_up:
  bx r12
  END_FUNCTION alpharho_mve_table

#endif
