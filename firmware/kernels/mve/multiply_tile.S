// void alpharho_mve_multiply_tile(const struct multiply_job *job)
//
// Four pixels, more than 16 taps each, against all output channels, two channels at a time.
//
// Registers        in a loop over taps                      between loops
//   r0 r2 r4 r6    sums of pixels 0 to 3, first channel     scaling of two channels
//   r8 r10 r12 lr  sums of pixels 0 to 3, second channel    scaling of two channels (r8, r10)
//   r1             out of pixel 0
//   r3             end of the whole blocks of inputs
//   r5             zero point in the lower half, bit 3 of the depth as its sign: whether there is half a block;
//                  bit 30: negatives
//   r7             inputs
//   r9             packed, a vector ahead in the loops: that vector is in q0
//   r11            inputs of the next block
//   q0 q1          weights of the two channels              q0: where outputs go
//   q2 q3          inputs of two pixels
//   q4 q5          sums of channels 0 and 1, a lane for each pixel
//   q6 q7          sums of channels 2 and 3
//   P0             the lower half of a vector
//
// Stack: #STACK_NEXT   how far from r1 the outputs of each pixel are, four words
//        #STACK_ENTRY  where the first pass enters the loops of channels 0 and 1, and of channels 2 and 3
//        #STACK_END    end of packed
#include "macros.inc"

#ifdef KERNELS_MVE_ASSEMBLY
#include "multiply.inc"

#define STACK_NEXT  0
#define STACK_ENTRY 16
#define STACK_END   24
#define STACK_BYTES 32

// 16 taps of four pixels and two channels. A load takes the load pipe while a multiplication takes its own: they
// alternate, and the last load is of what follows in packed, the next block's first weights.
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
  \add\().s8 r6, q3, q0
  vldrb.8 q0, [r9], #16
  \add\().s8 r12, q2, q1
  \add\().s8 lr, q3, q1
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

// All taps of two channels, to two vectors. The first block sets the sums; `\entry` on the stack is where the first
// pass enters the unrolled loop after it, so that the last pass ends at its end, or the address after the loop.
  .macro TWO_CHANNELS loop, entry, first, second
  mov r11, r7
  BLOCK_OF_TAPS vmladav
  ldr.w pc, [sp, #\entry]
  .balign 4
\loop:
  .rept MVE_UNITS
  BLOCK_OF_TAPS vmladava
  .endr
.Lbranch\@:
  cmp r11, r3
  bne.w \loop
.Lend\@:
  .if (.Lbranch\@ - \loop) - MVE_UNITS * MVE_UNIT_BYTES
  .error "MVE_UNIT_BYTES is not what a block of taps takes"
  .endif
  .if (.Lend\@ - .Lbranch\@) - MVE_BRANCH_BYTES
  .error "MVE_BRANCH_BYTES is not what the branch back takes"
  .endif
  cmp r5, #0
  bpl.w .Lwhole\@
  HALF_BLOCK_OF_TAPS
.Lwhole\@:
  SUMS_TO_LANES \first, \second
  .endm

// The address of a label that is `skip` bytes after \loop, with the bit of a Thumb address.
  .macro ENTRY_OF loop, skip, to
  adr.w \to, \loop
  add \to, \to, \skip
  orr \to, \to, #1
  .endm

  FUNCTION alpharho_mve_multiply_tile
  push {r4-r11, lr}
  vpush {d8-d15}
  sub sp, #STACK_BYTES
  vldrw.u32 q0, [r0, #JOB_NEXT]
  vstrw.32 q0, [sp, #STACK_NEXT]
  load_fields r1, r5, r0, JOB_OUT, JOB_ZERO_POINT
  load_fields r2, r6, r0, JOB_DEPTH, JOB_NEGATIVES
  pkhbt r5, r5, r2, lsl #28
  orr r5, r5, r6, lsl #30
  load_fields r7, r3, r0, JOB_INPUTS, JOB_BLOCKS_END
  ldr r12, [r0, #JOB_SKIP]
  load_fields r9, r0, r0, JOB_PACKED, JOB_PACKED_END
  ENTRY_OF .Lloop_01, r12, r2
  ENTRY_OF .Lloop_23, r12, r4
  strd r2, r4, [sp, #STACK_ENTRY]
  str r0, [sp, #STACK_END]
  movs r2, #0xff
  vmsr p0, r2
.Lchannels:
  vldrb.8 q0, [r9], #16
  TWO_CHANNELS .Lloop_01, STACK_ENTRY, q4, q5
  TWO_CHANNELS .Lloop_23, (STACK_ENTRY + 4), q6, q7
  sub r9, r9, #MVE_BLOCK
  STORE_CHANNELS q0
  ldr r12, [sp, #STACK_END]
  cmp r9, r12
  bne.w .Lchannels
  add sp, #STACK_BYTES
  vpop {d8-d15}
  pop {r4-r11, pc}
  END_FUNCTION alpharho_mve_multiply_tile

#endif
