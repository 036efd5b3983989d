// Copies and fills by vectors: small copies and fills of the C library go byte by byte. `size` is in bytes, 0 or more.
#ifndef KERNELS_MVE_MEMORY_H
#define KERNELS_MVE_MEMORY_H

#include <stdint.h>

void alpharho_mve_copy(int8_t *to, const int8_t *from, int32_t size);
void alpharho_mve_fill(int8_t *to, int8_t value, int32_t size);

// So many rows of `bytes`, at least 1 of each, and from row to row.
struct rows {
  int32_t to_pitch, from_pitch, count, bytes;
};

void alpharho_mve_copy_rows(int8_t *to, const int8_t *from, const struct rows *rows);

// Limits int8 values to the range of a fused activation. `min` and `max` are -128 to 127.
void alpharho_mve_limit(int8_t *values, int32_t size, int32_t min, int32_t max);

#endif // KERNELS_MVE_MEMORY_H
