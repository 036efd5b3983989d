// What C and assembly of this set share. The structures are those of ../dsp, and so are the cores that have the
// assembly.
#ifndef KERNELS_M7_LAYOUT_H
#define KERNELS_M7_LAYOUT_H

#include "../dsp/layout.h"

// The inner loop of alpharho_m7_multiply_quad: how often it is unrolled, the code bytes of one unit, and how many bytes
// behind the expanded inputs it loads.
#define M7_MULTIPLY_UNITS      16
#define M7_MULTIPLY_CODE_BYTES 56
#define M7_MULTIPLY_AHEAD      16

#endif // KERNELS_M7_LAYOUT_H
