// What C and assembly of this set share. The structures are those of ../dsp, and so are the cores that have the
// assembly.
#ifndef KERNELS_M7_LAYOUT_H
#define KERNELS_M7_LAYOUT_H

#include "../dsp/layout.h"

// The inner loop of alpharho_m7_multiply_quad: how often it is unrolled, the code bytes of one unit, and the units of a
// pixel that come behind the loop.
#define M7_MULTIPLY_UNITS      16
#define M7_MULTIPLY_CODE_BYTES 56
#define M7_MULTIPLY_LAST_UNITS 1

#endif // KERNELS_M7_LAYOUT_H
