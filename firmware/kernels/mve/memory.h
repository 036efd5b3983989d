// Copies and fills by vectors: the C library's small memcpy and memset go byte by byte.
#ifndef KERNELS_MVE_MEMORY_H
#define KERNELS_MVE_MEMORY_H

#include <stdint.h>

void copy_bytes(int8_t *to, const int8_t *from, int32_t size);
void fill_bytes(int8_t *to, int8_t value, int32_t size);

// Limit int8 values that a saturation to all of int8 has left to a fused activation's range.
void limit(int8_t *values, int32_t size, int32_t min, int32_t max);

#endif // KERNELS_MVE_MEMORY_H
