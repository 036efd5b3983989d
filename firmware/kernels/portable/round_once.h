// One rounding in integers that equals the reference's in double precision; compilers/aot/round_once.py has the proof.
#ifndef KERNELS_PORTABLE_ROUND_ONCE_H
#define KERNELS_PORTABLE_ROUND_ONCE_H

#include <stdint.h>

static inline int32_t round_once(int32_t acc, int64_t multiplier, int32_t shift, int32_t limit) {
  const uint32_t size = acc < 0 ? 0u - (uint32_t)acc : (uint32_t)acc;
  const int64_t product = (int64_t)(size < (uint32_t)limit ? size : (uint32_t)limit) * multiplier;
  const int32_t rounded = (int32_t)((product + ((int64_t)1 << (shift - 1))) >> shift);
  return acc < 0 ? -rounded : rounded;
}

#endif // KERNELS_PORTABLE_ROUND_ONCE_H
