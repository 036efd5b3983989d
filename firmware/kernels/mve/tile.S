// void alpharho_mve_make_tile(const int8_t *const rows[MVE_PIXELS], int32_t taps, int8_t *tile)
// void alpharho_mve_make_tile_rows(const struct tile_rows *rows, int8_t *tile)
// void alpharho_mve_make_tile_rgb(const int8_t *from, int32_t pitch, int32_t step, int8_t *tile)
//
// The inputs of four pixels, in the order in which alpharho_mve_multiply_tile reads them.
#include "macros.inc"

#ifdef KERNELS_MVE_ASSEMBLY

// The same 16 taps of each pixel, one after the other.
  .macro STORE_BLOCK_OF_TAPS tile
  vstrb.8 q0, [\tile], #MVE_BLOCK
  vstrb.8 q1, [\tile], #MVE_BLOCK
  vstrb.8 q2, [\tile], #MVE_BLOCK
  vstrb.8 q3, [\tile], #MVE_BLOCK
  .endm

// The next 16 taps of each pixel, from rows that move on.
  .macro COPY_BLOCK_OF_TAPS tile, row_0, row_1, row_2, row_3
  vldrb.8 q0, [\row_0], #MVE_BLOCK
  vldrb.8 q1, [\row_1], #MVE_BLOCK
  vldrb.8 q2, [\row_2], #MVE_BLOCK
  vldrb.8 q3, [\row_3], #MVE_BLOCK
  STORE_BLOCK_OF_TAPS \tile
  .endm

// Each row's taps by sixteen; what is left by sixteen with zeros, or, up to eight, those twice.
//
//   r0 r4 r5 r12  rows of pixels 0 to 3
//   r1            taps after the whole blocks
//   r2            tile
//   lr            blocks left
//   q0 to q3      16 taps of pixels 0 to 3
  FUNCTION alpharho_mve_make_tile
  push {r4, r5, lr}
  asrs r3, r1, #4
  and r1, r1, #MVE_BLOCK - 1
  ldm r0, {r0, r4, r5, r12}
  wls lr, r3, .Lrest
.Lblock:
  COPY_BLOCK_OF_TAPS r2, r0, r4, r5, r12
  le lr, .Lblock
.Lrest:
  cbz r1, .Ldone
  vctp.8 r1
  vpstttt
  vldrbt.8 q0, [r0]
  vldrbt.8 q1, [r4]
  vldrbt.8 q2, [r5]
  vldrbt.8 q3, [r12]
  cmp r1, #MVE_HALF
  bhi .Lstore_rest
  vmov d1, d0
  vmov d3, d2
  vmov d5, d4
  vmov d7, d6
.Lstore_rest:
  STORE_BLOCK_OF_TAPS r2
.Ldone:
  pop {r4, r5, pc}
  END_FUNCTION alpharho_mve_make_tile

// Row by row, each by sixteen.
//
//   r0 r3 r4 r5  rows of pixels 0 to 3
//   r1           tile
//   r6           from the end of a row to the next
//   r7 r8        rows left, blocks of a row
//   lr           blocks left
//   q0 to q3     16 taps of pixels 0 to 3
  FUNCTION alpharho_mve_make_tile_rows
  push {r4-r8, lr}
  CHECK_ADJACENT TILE_ROWS_FIRST, TILE_ROWS_BLOCKS, 7
  ldm r0, {r0, r3-r8}
.Ltile_row:
  dls lr, r8
.Ltile_block:
  COPY_BLOCK_OF_TAPS r1, r0, r3, r4, r5
  le lr, .Ltile_block
  .irp row, r0, r3, r4, r5
  add \row, r6
  .endr
  subs r7, #1
  bne .Ltile_row
  pop {r4-r8, pc}
  END_FUNCTION alpharho_mve_make_tile_rows

// Four pixels of a 3x3 window on 3 channels: three rows of MVE_RGB_ROW bytes, `pitch` apart, pixels `step` bytes apart.
// The first block has the last row and the end of the middle row, the second block the first row and the beginning of
// the middle row. Vectors take more of a row than its taps: what they leave in the place of the next pixel is
// overwritten by that pixel.
//
//   r0        first row
//   r4        middle row
//   r1        last row
//   r2        step
//   r3        place of the pixel in the first block
//   r12       the last two taps of the middle row
//   lr        pixels left
//   q0 q1 q2  last, first, and middle row
  FUNCTION alpharho_mve_make_tile_rgb
  push {r4, lr}
  add r4, r0, r1
  add r1, r4
  mov r12, #MVE_PIXELS
  dls lr, r12
.Lpixel:
  vldrb.8 q0, [r1]
  ldrh r12, [r4, #MVE_BLOCK - MVE_RGB_ROW]
  vldrb.8 q1, [r0]
  vldrb.8 q2, [r4]
  vstrb.8 q1, [r3, #MVE_PIXELS * MVE_BLOCK]
  vstrb.8 q2, [r3, #MVE_PIXELS * MVE_BLOCK + MVE_RGB_ROW]
  vstrb.8 q0, [r3], #MVE_BLOCK
  strh r12, [r3, #MVE_RGB_ROW - MVE_BLOCK]
  add r0, r2
  add r4, r2
  add r1, r2
  le lr, .Lpixel
  pop {r4, pc}
  END_FUNCTION alpharho_mve_make_tile_rgb

#endif
