// C model of memory.S.
#include "memory.h"

#include <stddef.h>

#include "arithmetic.h"

MVE_ASSERT_OFFSET(struct rows, to_pitch, ROWS_TO_PITCH);
MVE_ASSERT_OFFSET(struct rows, from_pitch, ROWS_FROM_PITCH);
MVE_ASSERT_OFFSET(struct rows, count, ROWS_COUNT);
MVE_ASSERT_OFFSET(struct rows, bytes, ROWS_BYTES);

#ifndef KERNELS_MVE_ASSEMBLY

#include <string.h>

void alpharho_mve_copy(int8_t *to, const int8_t *from, int32_t size) { memcpy(to, from, (size_t)size); }

void alpharho_mve_copy_rows(int8_t *to, const int8_t *from, const struct rows *rows) {
  for (int32_t i = 0; i < rows->count; i++) {
    memcpy(to + i * rows->to_pitch, from + i * rows->from_pitch, (size_t)rows->bytes);
  }
}

void alpharho_mve_fill(int8_t *to, int8_t value, int32_t size) { memset(to, value, (size_t)size); }

void alpharho_mve_limit(int8_t *values, int32_t size, int32_t min, int32_t max) {
  for (int32_t i = 0; i < size; i++) {
    values[i] = (int8_t)clamp(values[i], min, max);
  }
}

#endif
