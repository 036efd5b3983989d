// Operators on int8 tensors, byte-equal to LiteRT's reference kernels: all sets.
#ifndef KERNELS_KERNELS_H
#define KERNELS_KERNELS_H

#include "dsp.h"
#include "mve.h"
#include "portable.h"

#endif // KERNELS_KERNELS_H
