// C model of alpharho_mve_make_tile in tile.S. That of alpharho_mve_make_tile_rgb is in conv.c.
#include "multiply.h"

#include <string.h>

#include "arithmetic.h"

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

#endif
