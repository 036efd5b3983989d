// Two neighboring pixels of a row of a depthwise convolution of 3x3 taps: their windows share two columns, and all
// weights. row.c has them in C.
#include "../assembly.inc"
#include "layout.h"

#ifdef KERNELS_DSP_ASSEMBLY

// The frame, above which are r4-r11 and lr: the first fields of the job.
#define FRAME_ROUNDING   0
#define FRAME_PACKED     4
#define FRAME_PACKED_END 8
#define FRAME_ADVANCE    12
#define FRAME_PIXELS     16 // pairs left to do
#define FRAME_OUT        20
#define FRAME_BYTES      24

  CHECK_ADJACENT ROW_JOB_ROUNDING, ROW_JOB_PIXELS, 5

// Of a word of four channels, 0 and 2 where `half` is 0, 1 and 3 where it is 1.
  .macro EXPAND register, half
  .if \half
  sxtb16 \register, \register, ror #8
  .else
  sxtb16 \register, \register
  .endif
  .endm

  .macro EXPAND_WEIGHTS register, half, wide
  .if \wide == 0
  EXPAND \register, \half
  .endif
  .endm

// Byte of the constants of four channels where a word with a tap's weights begins.
  .macro SET_AT tap, half, wide
  .if \wide
  .set at, ROW_PACKED_TAPS + 8 * (\tap) + 4 * \half
  .else
  .set at, ROW_PACKED_TAPS + 4 * (\tap)
  .endif
  .endm

// Four columns of a row, the first two words of whose weights (r4, r5) and the first of whose inputs (r6) are loaded. An
// expansion issues first of two instructions, beside a load or a multiplication; what a register held is multiplied
// before it is loaded again. `next` is the row whose first words are loaded, none behind the last one.
  .macro ONE_ROW row, tap, half, wide, next
  EXPAND_WEIGHTS r5, \half, \wide
  ldr r7, [\row, r12]
  EXPAND r6, \half
  EXPAND_WEIGHTS r4, \half, \wide
  EXPAND r7, \half
  smlabb r8, r6, r4, r8
  smlatt r9, r6, r4, r9
  ldr r6, [\row, r12, lsl #1]
  smlabb r10, r7, r4, r10
  smlatt r11, r7, r4, r11
  SET_AT \tap + 2, \half, \wide
  ldr r4, [r3, #at]
  EXPAND r6, \half
  smlabb r8, r7, r5, r8
  smlatt r9, r7, r5, r9
  ldr r7, [\row, lr]
  EXPAND_WEIGHTS r4, \half, \wide
  smlabb r10, r6, r5, r10
  EXPAND r7, \half
  smlatt r11, r6, r5, r11
  smlabb r8, r6, r4, r8
  .ifnb \next
  SET_AT \tap + 4, \half, \wide
  ldr r5, [r3, #at]
  smlatt r9, r6, r4, r9
  ldr r6, [\next]
  smlabb r10, r7, r4, r10
  smlatt r11, r7, r4, r11
  SET_AT \tap + 3, \half, \wide
  ldr r4, [r3, #at]
  .else
  .set scaling, ROW_PACKED_TAPS + 36 + 36 * \wide
  ldr r5, [r3, #scaling + 4 * \half + 8]
  smlatt r9, r6, r4, r9
  ldr r6, [r3, #scaling + 16]
  smlabb r10, r7, r4, r10
  smlatt r11, r7, r4, r11
  ldr r4, [r3, #scaling + 4 * \half]
  .endif
  .endm

// Two channels of two pixels: as requantize() of instructions.h.
  .macro TWO_CHANNELS half, wide
  SET_AT 0, \half, \wide
  ldr r8, [r3, #4 * \half]
  ldr r5, [r3, #at + 4 + 4 * \wide]
  ldr r6, [r0]
  ldr r9, [r3, #4 * \half + 8]
  mov r10, r8
  ldr r4, [r3, #at]
  mov r11, r9
  ONE_ROW r0, 0, \half, \wide, r1
  ONE_ROW r1, 3, \half, \wide, r2
  ONE_ROW r2, 6, \half, \wide
  smmlar r8, r8, r4, r8
  ldr r7, [sp, #FRAME_ROUNDING]
  smmlar r9, r9, r5, r9
  .if \half
  lsr r6, #8
  .endif
  smmlar r10, r10, r4, r10
  add r8, r8, r8, asr #31
  smmlar r11, r11, r5, r11
  ldr r4, [sp, #FRAME_OUT]
  add r9, r9, r9, asr #31
  asr r8, r6
  add r10, r10, r10, asr #31
  add r8, r7
  add r11, r11, r11, asr #31
  asr r10, r6
  lsr r6, #16
  ssat r8, #8, r8, asr #1
  add r10, r7
  asr r9, r6
  add r5, r4, r12
  asr r11, r6
  strb r8, [r4, #\half]
  ssat r10, #8, r10, asr #1
  add r9, r7
  add r11, r7
  strb r10, [r5, #\half]
  ssat r9, #8, r9, asr #1
  strb r9, [r4, #\half + 2]
  ssat r11, #8, r11, asr #1
  strb r11, [r5, #\half + 2]
  .endm

// void NAME(const struct row_job *job)
//
// register  on entry  in the loop over taps                storing two channels
// r0        job       windows' place in row 0              the same
// r1, r2    -         windows' places in rows 1 and 2      the same
// r3        -         constants of the four channels       the same
// r4        -         weights of taps 0, then 2            multiplier of the first channel; then out of pixel 0
// r5        -         weights of tap 1                     of the second channel; then out of pixel 1
// r6        -         inputs of column 0, then 2           shifts
// r7        -         inputs of column 1, then 3           rounding
// r8, r9    -         sums of two channels, pixel 0        their outputs
// r10, r11  -         sums of two channels, pixel 1        their outputs
// r12       -         channels: from a column to the next  the same
// lr        return    three times the channels             the same
  .macro ROW_PAIR_3X3 name, wide
FUNCTION \name
  push {r4-r11, lr}
  ldr r6, [r0, #ROW_JOB_OUT]
  ldm r0, {r1-r5} // rounding, packed, packed_end, advance, pixels
  push {r1-r6}
  ldr r12, [r0, #ROW_JOB_CHANNELS]
  ldrd r1, r2, [r0, #ROW_JOB_ROWS + 4]
  ldr r0, [r0, #ROW_JOB_ROWS]
  add lr, r12, r12, lsl #1
1: // two pixels
  ldr r3, [sp, #FRAME_PACKED]
2: // four channels
  TWO_CHANNELS 0, \wide
  TWO_CHANNELS 1, \wide
  ldr r6, [sp, #FRAME_PACKED_END]
  add r4, #4
  add r0, #4
  add r1, #4
  add r2, #4
  add r3, #ROW_PACKED_TAPS + 36 + 36 * \wide + 20
  str r4, [sp, #FRAME_OUT]
  cmp r3, r6
  bne.w 2b
  ldrd r6, r7, [sp, #FRAME_ADVANCE]
  add r4, r6
  add r0, r6
  add r1, r6
  add r2, r6
  subs r7, #1
  str r7, [sp, #FRAME_PIXELS]
  str r4, [sp, #FRAME_OUT]
  bne.w 1b
  add sp, #FRAME_BYTES
  pop {r4-r11, pc}
END_FUNCTION \name
  .endm

  ROW_PAIR_3X3 alpharho_m7_row_pair_3x3, 0
  ROW_PAIR_3X3 alpharho_m7_wide_row_pair_3x3, 1

#endif // KERNELS_DSP_ASSEMBLY
