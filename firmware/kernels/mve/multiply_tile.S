// void alpharho_mve_multiply_tile(const struct multiply_job *job)
//
// Four pixels, more than 16 taps each, against all output channels, two channels at a time.
//
// Registers        in a loop over taps                      between loops
//   r0 r2 r4 r6    sums of pixels 0 to 3, first channel     scaling of two channels
//   r8 r10 r12 lr  sums of pixels 0 to 3, second channel    scaling of two channels (r8, r10)
//   r1             out of pixel 0
//   r3             end of the whole blocks of inputs
//   r5             zero point in the lower half; bit 31: whether there is half a block; bits 30 and 29: see
//                  STORE_CHANNELS
//   r7             inputs
//   r9             packed, a vector ahead in the loops: that vector is in q0
//   r11            inputs of the next block
//   q0 q1          weights of the two channels              q0: where outputs go
//   q2 q3          inputs of two pixels
//   q4 q5          sums of channels 0 and 1, a lane for each pixel
//   q6 q7          sums of channels 2 and 3
//   P0             the lower half of a vector
//
// Stack: #STACK_NEXT  how far from r1 the outputs of each pixel are, four words
//        #STACK_LEFT  channels left
//        #STACK_END   end of packed
#include "macros.inc"

#ifdef KERNELS_MVE_ASSEMBLY
#include "multiply.inc"

#define STACK_END   20
#define STACK_BYTES 24

// 16 taps of four pixels and two channels, but for the last multiplication, LAST_OF_BLOCK. A load takes the load pipe
// while a multiplication takes its own: they alternate, and the last load is of what follows in packed, the next block's
// first weights. Comparing takes a cycle that the multiplications leave, as does branching before the last of them.
  .macro BLOCK_OF_TAPS add
  vldrb.8 q2, [r11], #16
  \add\().s8 r0, q2, q0
  vldrb.8 q3, [r11], #16
  \add\().s8 r2, q3, q0
  vldrb.8 q1, [r9], #16
  \add\().s8 r8, q2, q1
  vldrb.8 q2, [r11], #16
  \add\().s8 r10, q3, q1
  vldrb.8 q3, [r11], #16
  \add\().s8 r4, q2, q0
  cmp r11, r3
  \add\().s8 r6, q3, q0
  vldrb.8 q0, [r9], #16
  \add\().s8 r12, q2, q1
  .endm

  .macro LAST_OF_BLOCK
  vmladava.s8 lr, q3, q1
  .endm

// Eight taps of four pixels and two channels: the weights of both are in one vector, the inputs are there twice.
  .macro HALF_BLOCK_OF_TAPS
  vldrb.8 q1, [r11], #16
  vldrb.8 q2, [r11], #16
  vldrb.8 q3, [r11], #16
  FIRST_PIXELS vmladava, q1, q2, q0
  vldrb.8 q1, [r11]
  LAST_PIXELS vmladava, q3, q1, q0
  vldrb.8 q0, [r9], #16
  .endm

// All taps of two channels. The first block sets the sums.
  .macro TWO_CHANNELS
  mov r11, r7
  mov lr, #0
  BLOCK_OF_TAPS vmladav
  beq .Lend\@
.Lloop\@:
  .rept MVE_UNITS - 1
  LAST_OF_BLOCK
  BLOCK_OF_TAPS vmladava
  beq .Lend\@
  .endr
  LAST_OF_BLOCK
  BLOCK_OF_TAPS vmladava
  bne .Lloop\@
.Lend\@:
  cmp r5, #0
  LAST_OF_BLOCK
  bmi .Lhalf\@
.Lwhole\@:
  .subsection 1
.Lhalf\@:
  HALF_BLOCK_OF_TAPS
  b .Lwhole\@
  .subsection 0
  .endm

  .macro LOAD_END
  ldr r12, [sp, #STACK_END]
  .endm

  FUNCTION alpharho_mve_multiply_tile
  push {r4-r11, lr}
  vpush {d8-d15}
  sub sp, #STACK_BYTES
  vldrw.u32 q0, [r0, #JOB_NEXT]
  vstrw.32 q0, [sp, #STACK_NEXT]
  load_fields r1, r5, r0, JOB_OUT, JOB_MODE
  load_fields r7, r3, r0, JOB_INPUTS, JOB_BLOCKS_END
  ldr r2, [r0, #JOB_CHANNELS]
  load_fields r9, r0, r0, JOB_PACKED, JOB_PACKED_END
  strd r2, r0, [sp, #STACK_LEFT]
  movs r2, #0xff
  vmsr p0, r2
.Lchannels:
  vldrb.8 q0, [r9], #16
  TWO_CHANNELS
  SUMS_TO_LANES q4, q5
  TWO_CHANNELS
  STORE_CHANNELS q0, MVE_BLOCK, LOAD_END, "cmp r9, r12"
  bne .Lchannels
  add sp, #STACK_BYTES
  vpop {d8-d15}
  pop {r4-r11, pc}
  END_FUNCTION alpharho_mve_multiply_tile

#endif
