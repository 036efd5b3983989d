// Products of one row of int8 with several: the inner loop of FULLY_CONNECTED.
#ifndef KERNELS_PORTABLE_DENSE_H
#define KERNELS_PORTABLE_DENSE_H

#include <stdint.h>

enum { DENSE_ROWS = 4 };

// Add to each sum the products of `taps` inputs, 1 or more, with a row of weights.
void alpharho_dot_rows(const int8_t *in, const int8_t *const rows[DENSE_ROWS], int32_t taps, int32_t sums[DENSE_ROWS]);

#endif // KERNELS_PORTABLE_DENSE_H
