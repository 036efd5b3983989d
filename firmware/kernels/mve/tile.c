// What tile.S needs, and its C model. That of alpharho_mve_make_tile_rgb is in conv.c.
#include "multiply.h"

#include <stddef.h>
#include <string.h>

#include "arithmetic.h"

MVE_ASSERT_OFFSET(struct tile_rows, first, TILE_ROWS_FIRST);
MVE_ASSERT_OFFSET(struct tile_rows, advance, TILE_ROWS_ADVANCE);
MVE_ASSERT_OFFSET(struct tile_rows, count, TILE_ROWS_COUNT);
MVE_ASSERT_OFFSET(struct tile_rows, blocks, TILE_ROWS_BLOCKS);

#ifndef KERNELS_MVE_ASSEMBLY

void alpharho_mve_make_tile(const int8_t *const rows[MVE_PIXELS], int32_t taps, int8_t *tile) {
  for (int32_t k = 0; k < taps; k += MVE_BLOCK) {
    const int32_t size = least(taps - k, MVE_BLOCK);
    for (int32_t i = 0; i < MVE_PIXELS; i++, tile += MVE_BLOCK) {
      memset(tile, 0, MVE_BLOCK);
      memcpy(tile, rows[i] + k, (size_t)size);
      if (size <= MVE_HALF) {
        memcpy(tile + MVE_HALF, rows[i] + k, (size_t)size);
      }
    }
  }
}

void alpharho_mve_make_tile_rows(const struct tile_rows *rows, int8_t *tile) {
  for (int32_t y = 0; y < rows->count; y++) {
    for (int32_t i = 0; i < rows->blocks * MVE_PIXELS; i++, tile += MVE_BLOCK) {
      const int32_t moved = y * (rows->blocks * MVE_BLOCK + rows->advance) + i / MVE_PIXELS * MVE_BLOCK;
      memcpy(tile, rows->first[i % MVE_PIXELS] + moved, MVE_BLOCK);
    }
  }
}

#endif
