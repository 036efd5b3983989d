// Inputs of four pixels as 16-bit halves. multiply.h says what the functions do, multiply_in_c.h has them in C.
#include "../assembly.inc"
#include "layout.h"

#ifdef KERNELS_DSP_ASSEMBLY

// void alpharho_dsp_expand(const struct expand_job *job)
//
// register  on entry  in the loop
// r0        job       next word of row 0
// r1-r3     -         next words of rows 1 to 3
// r4-r7     -         taps 0 and 2 of rows 3, 0, 1, 2
// r8-r11    -         four taps of these rows; then taps 1 and 3
// r12       -         next word to write
// lr        return    end of what is written
FUNCTION alpharho_dsp_expand
  push {r4-r11, lr}
  CHECK_ADJACENT EXPAND_JOB_ROWS, EXPAND_JOB_END, 6
  ldm r0, {r0-r3, r12, lr} // rows[0..3], to, end
.Lexpand:
  ldr r9, [r0], #4
  ldr r10, [r1], #4
  ldr r11, [r2], #4
  ldr r8, [r3], #4
  sxtb16 r5, r9
  sxtb16 r6, r10
  sxtb16 r7, r11
  sxtb16 r4, r8
  sxtb16 r9, r9, ror #8
  sxtb16 r10, r10, ror #8
  sxtb16 r11, r11, ror #8
  sxtb16 r8, r8, ror #8
  stmia r12!, {r4-r11}
  cmp r12, lr
  bne .Lexpand
  pop {r4-r11, pc}
END_FUNCTION alpharho_dsp_expand

// A row of a window: its words in order, and its last tap. On a Cortex-M7 a store issues beside the expansion before it.
  .macro EXPAND_RGB_ROW row, last
  ldr r3, [r0]
  ldr r4, [r0, #4]
  ldrsb \last, [r0, #8]
  add r0, r1
  sxtb16 r12, r3
  sxtb16 r3, r3, ror #8
  str r12, [r2, #16 * (4 * \row)]
  sxtb16 r12, r4
  str r3, [r2, #16 * (4 * \row + 1)]
  sxtb16 r4, r4, ror #8
  str r12, [r2, #16 * (4 * \row + 2)]
  str r4, [r2, #16 * (4 * \row + 3)]
  .endm

// void alpharho_dsp_expand_rgb(const int8_t *from, int32_t pitch, int32_t step, uint32_t *to)
//
// register  on entry  in the loop over pixels
// r0        from      next row
// r1        pitch     the same
// r2        step      where the pixel's words go
// r3, r4    to        the first eight bytes of a row
// r5-r7     -         the ninth bytes of rows 0 to 2
// r8        -         from the end of a window to the next
// r9        -         the last pixel's place
// r10       -         the end of places
// r12       -         taps 0 and 2 of a word
FUNCTION alpharho_dsp_expand_rgb
  push {r4-r10}
  sub r8, r2, r1, lsl #1
  sub r8, r1
  mov r9, r3
  add r10, r3, #16
  add r2, r3, #4
1:
  EXPAND_RGB_ROW 0, r5
  EXPAND_RGB_ROW 1, r6
  EXPAND_RGB_ROW 2, r7
  add r0, r8
  pkhbt r5, r5, r7, lsl #16
  uxth r6, r6
  str r5, [r2, #16 * 12]
  str r6, [r2, #16 * 13]
  cmp r2, r9
  beq 2f
  add r2, #4
  cmp r2, r10
  it eq
  subeq r2, #16
  b 1b
2:
  pop {r4-r10}
  bx lr
END_FUNCTION alpharho_dsp_expand_rgb

#endif // KERNELS_DSP_ASSEMBLY
