// Rows of dense layers.
#ifndef KERNELS_MVE_DENSE_H
#define KERNELS_MVE_DENSE_H

#include "mve.h"

// One row of inputs against all output channels. `twice`: whether scaling rounds twice.
void alpharho_mve_dense_row(const struct alpharho_mve_dense *p, const int8_t *in, int8_t *out, int32_t twice);

#endif // KERNELS_MVE_DENSE_H
