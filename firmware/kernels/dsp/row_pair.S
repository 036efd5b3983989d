// Two neighboring pixels of a row of a depthwise convolution of 3x3 taps: their windows share one or two columns, and
// all weights. row.h says what the functions do, row.c has them in C.
#include "../assembly.inc"
#include "layout.h"

#ifdef KERNELS_DSP_ASSEMBLY

#include "row_pair.inc"

// A column of a row (inputs) meets a tap of it, for the pixel whose sums are `low` and `high`.
  .macro MULTIPLY inputs, weights, low, high
  smlabb \low, \inputs, \weights, \low
  smlatt \high, \inputs, \weights, \high
  .endm

// Columns of a row: four, or with a stride of two five. Loads are in groups: one of n takes n + 1 cycles on a Cortex-M4.
// Behind the biases of pixel 0, the first row loads, then pixel 1 begins with them, too.
  .macro ONE_ROW row, tap, half, wide, stride
  LOAD_WEIGHTS r4, \tap, \half, \wide
  LOAD_WEIGHTS r5, \tap + 1, \half, \wide
  ldr r6, [\row]
  ldr r7, [\row, r12]
  .if \tap == 0
  mov r10, r8
  mov r11, r9
  .endif
  EXPAND_WEIGHTS r4, \half, \wide
  EXPAND_WEIGHTS r5, \half, \wide
  EXPAND r6, \half
  EXPAND r7, \half
  MULTIPLY r6, r4, r8, r9
  MULTIPLY r7, r5, r8, r9
  .if \stride == 1
  MULTIPLY r7, r4, r10, r11
  LOAD_WEIGHTS r4, \tap + 2, \half, \wide
  ldr r6, [\row, r12, lsl #1]
  ldr r7, [\row, lr]
  EXPAND_WEIGHTS r4, \half, \wide
  EXPAND r6, \half
  EXPAND r7, \half
  MULTIPLY r6, r4, r8, r9
  MULTIPLY r6, r5, r10, r11
  .else
  ldr r6, [\row, r12, lsl #1]
  ldr r7, [\row, lr]
  EXPAND r6, \half
  EXPAND r7, \half
  MULTIPLY r6, r4, r10, r11
  MULTIPLY r7, r5, r10, r11
  LOAD_WEIGHTS r4, \tap + 2, \half, \wide
  ldr r7, [\row, r12, lsl #2]
  EXPAND_WEIGHTS r4, \half, \wide
  EXPAND r7, \half
  MULTIPLY r6, r4, r8, r9
  .endif
  MULTIPLY r7, r4, r10, r11
  .endm

// Two channels of two pixels: as requantize() of instructions.h.
  .macro TWO_CHANNELS half, wide, stride
  ldr r8, [r3, #4 * \half]
  ldr r9, [r3, #4 * \half + 8]
  ONE_ROW r0, 0, \half, \wide, \stride
  ONE_ROW r1, 3, \half, \wide, \stride
  ONE_ROW r2, 6, \half, \wide, \stride
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
// r7        -         inputs of column 1, 3 and 4          rounding
// r8, r9    -         sums of two channels, pixel 0        their outputs
// r10, r11  -         sums of two channels, pixel 1        their outputs
// r12       -         channels: from a column to the next  the same
// lr        return    three times the channels             the same
  ROW_PAIR_3X3 alpharho_dsp_row_pair_3x3, 0, 1
  ROW_PAIR_3X3 alpharho_dsp_row_pair_3x3_stride_2, 0, 2
  ROW_PAIR_3X3 alpharho_dsp_wide_row_pair_3x3, 1, 1
  ROW_PAIR_3X3 alpharho_dsp_wide_row_pair_3x3_stride_2, 1, 2

#endif // KERNELS_DSP_ASSEMBLY
