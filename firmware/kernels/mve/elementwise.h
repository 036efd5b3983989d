// Rows of MUL.
#ifndef KERNELS_MVE_ELEMENTWISE_H
#define KERNELS_MVE_ELEMENTWISE_H

#include "mve.h"

// Computes all rows, limited to int8.
void alpharho_mve_mul_rows(const struct alpharho_mve_mul *p, const int8_t *in1, const int8_t *in2, int8_t *out);

#endif // KERNELS_MVE_ELEMENTWISE_H
