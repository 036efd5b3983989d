// Copies and fills by words: the C library's small memcpy and memset go byte by byte.
#ifndef KERNELS_DSP_MEMORY_H
#define KERNELS_DSP_MEMORY_H

#include <stdint.h>

// `to` and `from` are aligned to words, `size` is a multiple of 4 and may be 0.
void alpharho_dsp_copy_words(int8_t *to, const int8_t *from, int32_t size);
void alpharho_dsp_fill_words(int8_t *to, int8_t value, int32_t size);

// Limit int8 values to a fused activation's range.
void alpharho_dsp_limit(int8_t *values, int32_t size, int32_t min, int32_t max);

#endif // KERNELS_DSP_MEMORY_H
