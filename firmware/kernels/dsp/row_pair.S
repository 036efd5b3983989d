// Two neighboring pixels of a row of a depthwise convolution of 3x3 taps: their windows share two columns, and all
// weights. row.h says what the functions do, row.c has them in C.
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

// A column of a row (inputs) meets a tap of it, for the pixel whose sums are `low` and `high`.
  .macro MULTIPLY inputs, weights, low, high
  smlabb \low, \inputs, \weights, \low
  smlatt \high, \inputs, \weights, \high
  .endm

// Four columns of a row. Where weights are 8 bits, `tap` has a word with those of four channels; where they are wide,
// two. Loads are in groups: one of n takes n + 1 cycles on a Cortex-M4.
  .macro ONE_ROW row, tap, half, wide
  .if \wide
  .set at, ROW_PACKED_TAPS + 8 * \tap + 4 * \half
  .else
  .set at, ROW_PACKED_TAPS + 4 * \tap
  .endif
  ldr r4, [r3, #at]
  ldr r5, [r3, #at + 4 + 4 * \wide]
  ldr r6, [\row]
  ldr r7, [\row, r12]
  EXPAND_WEIGHTS r4, \half, \wide
  EXPAND_WEIGHTS r5, \half, \wide
  EXPAND r6, \half
  EXPAND r7, \half
  MULTIPLY r6, r4, r8, r9
  MULTIPLY r7, r5, r8, r9
  MULTIPLY r7, r4, r10, r11
  ldr r4, [r3, #at + 8 + 8 * \wide]
  ldr r6, [\row, r12, lsl #1]
  ldr r7, [\row, lr]
  EXPAND_WEIGHTS r4, \half, \wide
  EXPAND r6, \half
  EXPAND r7, \half
  MULTIPLY r6, r4, r8, r9
  MULTIPLY r6, r5, r10, r11
  MULTIPLY r7, r4, r10, r11
  .endm

// Two channels of two pixels: as requantize() of instructions.h.
  .macro TWO_CHANNELS half, wide
  ldr r8, [r3, #4 * \half]
  ldr r9, [r3, #4 * \half + 8]
  mov r10, r8
  mov r11, r9
  ONE_ROW r0, 0, \half, \wide
  ONE_ROW r1, 3, \half, \wide
  ONE_ROW r2, 6, \half, \wide
  .set scaling, ROW_PACKED_TAPS + 36 + 36 * \wide
  ldr r4, [r3, #scaling + 4 * \half]
  ldr r5, [r3, #scaling + 4 * \half + 8]
  ldr r6, [r3, #scaling + 16]
  ldr r7, [sp, #FRAME_ROUNDING]
  smmlar r8, r8, r4, r8
  smmlar r10, r10, r4, r10
  smmlar r9, r9, r5, r9
  smmlar r11, r11, r5, r11
  ldr r4, [sp, #FRAME_OUT]
  .if \half
  lsr r6, #8
  .endif
  .irp sum, r8, r10, r9, r11
  add \sum, \sum, \sum, asr #31
  .endr
  asr r8, r6
  asr r10, r6
  lsr r6, #16
  asr r9, r6
  asr r11, r6
  .irp sum, r8, r10, r9, r11
  add \sum, r7
  .endr
  .irp sum, r8, r10, r9, r11
  ssat \sum, #8, \sum, asr #1
  .endr
  add r5, r4, r12
  strb r8, [r4, #\half]
  strb r9, [r4, #\half + 2]
  strb r10, [r5, #\half]
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
  add r4, r12
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

  ROW_PAIR_3X3 alpharho_dsp_row_pair_3x3, 0
  ROW_PAIR_3X3 alpharho_dsp_wide_row_pair_3x3, 1

#endif // KERNELS_DSP_ASSEMBLY
