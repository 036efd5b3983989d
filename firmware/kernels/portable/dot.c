#include "dot.h"

#ifndef __thumb__ // dot.S has this function for these cores.

void alpharho_dot_two_by_two(const int8_t *rows, const int8_t *weights, int32_t depth, uint32_t sums[4]) {
  const int8_t *row0 = rows, *row1 = rows + depth, *w0 = weights, *w1 = weights + depth;
  const int8_t *const end = row1;
  uint32_t a0 = sums[0], a1 = sums[1], a2 = sums[2], a3 = sums[3];
  while (row0 != end) {
    const int32_t x0 = *row0++, x1 = *row1++, y0 = *w0++, y1 = *w1++;
    a0 += (uint32_t)(x0 * y0);
    a1 += (uint32_t)(x1 * y0);
    a2 += (uint32_t)(x0 * y1);
    a3 += (uint32_t)(x1 * y1);
  }
  sums[0] = a0;
  sums[1] = a1;
  sums[2] = a2;
  sums[3] = a3;
}

#endif
