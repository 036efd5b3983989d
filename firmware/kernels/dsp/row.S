// Rows of depthwise convolutions. row.h says what the functions do, row.c has them in C.
#include "../assembly.inc"
#include "layout.h"

#ifdef KERNELS_DSP_ASSEMBLY

// The frame, above which are r4-r11 and lr: the first fields of the job. Rows of five taps have their rows there, too.
#define FRAME_ROUNDING   0
#define FRAME_PACKED     4
#define FRAME_PACKED_END 8
#define FRAME_ADVANCE    12
#define FRAME_PIXELS     16 // left to do
#define FRAME_BYTES      20
#define FRAME_ROWS       20
#define FRAME_5X5_BYTES  40

  CHECK_ADJACENT ROW_JOB_ROUNDING, ROW_JOB_PIXELS, 5
  CHECK_ADJACENT ROW_JOB_CHANNELS, ROW_JOB_OUT, 2

// Weights of one tap of four channels: r4 those of channels 0 and 2, r5 those of 1 and 3, 16 bits each.
  .macro LOAD_WEIGHTS wide
  .if \wide
  ldrd r4, r5, [r3], #8
  .else
  ldr r5, [r3], #4
  sxtb16 r4, r5
  sxtb16 r5, r5, ror #8
  .endif
  .endm

// One tap of four channels, whose inputs are at `address`.
  .macro TAP wide, address:vararg
  ldr r7, \address
  LOAD_WEIGHTS \wide
  sxtb16 r6, r7
  sxtb16 r7, r7, ror #8
  smlabb r8, r6, r4, r8
  smlatt r10, r6, r4, r10
  smlabb r9, r7, r5, r9
  smlatt r11, r7, r5, r11
  .endm

  .macro THREE_TAPS wide, row
  TAP \wide, [\row]
  TAP \wide, [\row, r12]
  TAP \wide, [\row, r12, lsl #1]
  .endm

// Row `ky` of the window, whose start the frame has; r1 is how far into the row the window is, r2 three times the
// channels.
  .macro FIVE_TAPS wide, ky
  ldr r0, [sp, #FRAME_ROWS + 4 * \ky]
  add r0, r1
  THREE_TAPS \wide, r0
  TAP \wide, [r0, r2]
  TAP \wide, [r0, r12, lsl #2]
  .endm

// As the second half of requantize() of instructions.h: the lowest byte of r4 is the right shift - 1, r7 the rounding.
  .macro STORE_CHANNEL sum
  add \sum, \sum, \sum, asr #31
  asr \sum, \sum, r4
  add \sum, \sum, r7
  ssat \sum, #8, \sum, asr #1
  strb \sum, [lr], #1
  .endm

// The sums of four channels, r8-r11, become bytes. r4-r7 are their doubled multipliers, then r4 their four shifts.
  .macro STORE_FOUR
  ldmia r3!, {r4-r7}
  smmlar r8, r8, r4, r8
  smmlar r9, r9, r5, r9
  smmlar r10, r10, r6, r10
  smmlar r11, r11, r7, r11
  ldr r4, [r3], #4
  ldr r7, [sp, #FRAME_ROUNDING]
  STORE_CHANNEL r8
  lsr r4, #8
  STORE_CHANNEL r9
  lsr r4, #8
  STORE_CHANNEL r10
  lsr r4, #8
  STORE_CHANNEL r11
  .endm

// void NAME(const struct row_job *job), for 3x3 taps
//
// register  on entry  in the loop over taps                storing four channels
// r0        job       window's place in row 0              the same
// r1, r2    -         window's places in rows 1 and 2      the same
// r3        -         next word of packed                  the same
// r4, r5    -         weights of channels 0, 2 and 1, 3    multipliers of channels 0 and 1; r4: then shifts
// r6, r7    -         inputs of channels 0, 2 and 1, 3     multipliers of channels 2 and 3; r7: then rounding
// r8-r11    -         sums of channels 0 to 3              their outputs
// r12       -         channels: from a tap to the next     the same
// lr        return    out                                  out
  .macro ROW_3X3 name, wide
FUNCTION \name
  push {r4-r11, lr}
  ldm r0, {r1-r5} // rounding, packed, packed_end, advance, pixels
  push {r1-r5}
  ldrd r12, lr, [r0, #ROW_JOB_CHANNELS]
  ldrd r1, r2, [r0, #ROW_JOB_ROWS + 4]
  ldr r0, [r0, #ROW_JOB_ROWS]
1: // a pixel
  ldr r3, [sp, #FRAME_PACKED]
2: // four channels
  ldmia r3!, {r8-r11} // biases
  THREE_TAPS \wide, r0
  THREE_TAPS \wide, r1
  THREE_TAPS \wide, r2
  STORE_FOUR
  ldr r4, [sp, #FRAME_PACKED_END]
  add r0, #4
  add r1, #4
  add r2, #4
  cmp r3, r4
  bne 2b
  ldrd r4, r5, [sp, #FRAME_ADVANCE]
  add r0, r4
  add r1, r4
  add r2, r4
  subs r5, #1
  str r5, [sp, #FRAME_PIXELS]
  bne 1b
  add sp, #FRAME_BYTES
  pop {r4-r11, pc}
END_FUNCTION \name
  .endm

// void NAME(const struct row_job *job), for 5x5 taps: as above but for
//
// register  in the loop over taps
// r0        window's place in one row
// r1        how far into each row the window is
// r2        three times the channels
  .macro ROW_5X5 name, wide
FUNCTION \name
  push {r4-r11, lr}
  add r12, r0, #ROW_JOB_ROWS
  ldm r12, {r1-r5} // rows[0..4]
  push {r1-r5}
  ldm r0, {r1-r5} // rounding, packed, packed_end, advance, pixels
  push {r1-r5}
  ldrd r12, lr, [r0, #ROW_JOB_CHANNELS]
  mov r1, #0
  add r2, r12, r12, lsl #1
1: // a pixel
  ldr r3, [sp, #FRAME_PACKED]
2: // four channels
  ldmia r3!, {r8-r11} // biases
  FIVE_TAPS \wide, 0
  FIVE_TAPS \wide, 1
  FIVE_TAPS \wide, 2
  FIVE_TAPS \wide, 3
  FIVE_TAPS \wide, 4
  STORE_FOUR
  ldr r4, [sp, #FRAME_PACKED_END]
  add r1, #4
  cmp r3, r4
  bne 2b
  ldrd r4, r5, [sp, #FRAME_ADVANCE]
  add r1, r4
  subs r5, #1
  str r5, [sp, #FRAME_PIXELS]
  bne 1b
  add sp, #FRAME_5X5_BYTES
  pop {r4-r11, pc}
END_FUNCTION \name
  .endm

  ROW_3X3 alpharho_dsp_row_3x3, 0
  ROW_3X3 alpharho_dsp_wide_row_3x3, 1
  ROW_5X5 alpharho_dsp_row_5x5, 0
  ROW_5X5 alpharho_dsp_wide_row_5x5, 1

#endif // KERNELS_DSP_ASSEMBLY
