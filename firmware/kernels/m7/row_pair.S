// Two neighboring pixels of a row of a depthwise convolution of 3x3 taps: their windows share one or two columns, and
// all weights. row.c has them in C.
#include "../assembly.inc"
#include "layout.h"

#ifdef KERNELS_DSP_ASSEMBLY

#include "../dsp/row_pair.inc"

// A row of the windows: its columns, four or with a stride of two five, and its taps. The words of the first two taps (r4,
// r5) and of the first column (r6) are loaded before. An expansion issues first of two instructions, beside a load or a
// multiplication; what a register holds is multiplied before it is loaded again. `next` is the row whose first words are
// loaded here, none behind the last one.
  .macro ONE_ROW row, tap, half, wide, stride, next
  EXPAND_WEIGHTS r5, \half, \wide
  ldr r7, [\row, r12]
  EXPAND r6, \half
  EXPAND_WEIGHTS r4, \half, \wide
  EXPAND r7, \half
  smlabb r8, r6, r4, r8
  smlatt r9, r6, r4, r9
  ldr r6, [\row, r12, lsl #1]
  .if \stride == 1
  smlabb r10, r7, r4, r10
  smlatt r11, r7, r4, r11
  LOAD_WEIGHTS r4, \tap + 2, \half, \wide
  EXPAND r6, \half
  smlabb r8, r7, r5, r8
  smlatt r9, r7, r5, r9
  ldr r7, [\row, lr]
  EXPAND_WEIGHTS r4, \half, \wide
  smlabb r10, r6, r5, r10
  EXPAND r7, \half
  smlatt r11, r6, r5, r11
  .else
  smlabb r8, r7, r5, r8
  smlatt r9, r7, r5, r9
  ldr r7, [\row, lr]
  EXPAND r6, \half
  smlabb r10, r6, r4, r10
  smlatt r11, r6, r4, r11
  LOAD_WEIGHTS r4, \tap + 2, \half, \wide
  EXPAND r7, \half
  smlabb r10, r7, r5, r10
  smlatt r11, r7, r5, r11
  ldr r7, [\row, r12, lsl #2]
  EXPAND_WEIGHTS r4, \half, \wide
  EXPAND r7, \half
  .endif
  smlabb r8, r6, r4, r8
  .ifnb \next
  LOAD_WEIGHTS r5, \tap + 4, \half, \wide
  smlatt r9, r6, r4, r9
  ldr r6, [\next]
  smlabb r10, r7, r4, r10
  smlatt r11, r7, r4, r11
  LOAD_WEIGHTS r4, \tap + 3, \half, \wide
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
  .macro TWO_CHANNELS half, wide, stride
  ldr r8, [r3, #4 * \half]
  LOAD_WEIGHTS r5, 1, \half, \wide
  ldr r6, [r0]
  ldr r9, [r3, #4 * \half + 8]
  mov r10, r8
  LOAD_WEIGHTS r4, 0, \half, \wide
  mov r11, r9
  ONE_ROW r0, 0, \half, \wide, \stride, r1
  ONE_ROW r1, 3, \half, \wide, \stride, r2
  ONE_ROW r2, 6, \half, \wide, \stride
  smmlar r9, r9, r5, r9
  ldr r7, [sp, #FRAME_ROUNDING]
  smmlar r8, r8, r4, r8
  .if \half
  lsr r6, #8
  .endif
  smmlar r10, r10, r4, r10
  add r9, r9, r9, asr #31
  smmlar r11, r11, r5, r11
  ldr r4, [sp, #FRAME_OUT]
  add r8, r8, r8, asr #31
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
// r6        -         inputs of columns 0 and 2            shifts
// r7        -         inputs of columns 1, 3 and 4         rounding
// r8, r9    -         sums of two channels, pixel 0        their outputs
// r10, r11  -         sums of two channels, pixel 1        their outputs
// r12       -         channels: from a column to the next  the same
// lr        return    three times the channels             the same
  ROW_PAIR_3X3 alpharho_m7_row_pair_3x3, 0, 1
  ROW_PAIR_3X3 alpharho_m7_row_pair_3x3_stride_2, 0, 2
  ROW_PAIR_3X3 alpharho_m7_wide_row_pair_3x3, 1, 1
  ROW_PAIR_3X3 alpharho_m7_wide_row_pair_3x3_stride_2, 1, 2

#endif // KERNELS_DSP_ASSEMBLY
