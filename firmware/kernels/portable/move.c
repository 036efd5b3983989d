#include <stdint.h>
#include <string.h>

#include "portable.h"

void alpharho_pad(const struct alpharho_pad *p, const int8_t *in, int8_t *out) {
  const int32_t row = p->out[3];
  memset(out, p->value, (size_t)p->out[0] * (size_t)p->out[1] * (size_t)p->out[2] * (size_t)row);
  for (int32_t i = 0; i < p->in[0]; i++) {
    for (int32_t j = 0; j < p->in[1]; j++) {
      const int32_t plane = (i + p->before[0]) * p->out[1] + j + p->before[1];
      int8_t *to = out + (plane * p->out[2] + p->before[2]) * row + p->before[3];
      for (int32_t k = 0; k < p->in[2]; k++, to += row, in += p->in[3]) {
        memcpy(to, in, (size_t)p->in[3]);
      }
    }
  }
}

enum { GATHER_DIMS = 6 };

// Steps to the next index of all dimensions but the last. Returns 0 after the last one.
static int next_index(const struct alpharho_gather *p, int32_t *index, int32_t *from) {
  for (int32_t d = GATHER_DIMS - 2; d >= 0; d--) {
    *from += p->step[d];
    if (++index[d] < p->dims[d]) {
      return 1;
    }
    *from -= p->step[d] * p->dims[d];
    index[d] = 0;
  }
  return 0;
}

void alpharho_gather(const struct alpharho_gather *p, const int8_t *in, int8_t *out) {
  const int32_t count = p->dims[GATHER_DIMS - 1], step = p->step[GATHER_DIMS - 1], run = p->run;
  int32_t index[GATHER_DIMS - 1] = {0}, from = p->start;
  do {
    int32_t at = from;
    for (int32_t i = 0; i < count; i++, at += step) {
      if (run == 1) {
        *out++ = in[at];
      } else {
        memmove(out, in + at, (size_t)run);
        out += run;
      }
    }
  } while (next_index(p, index, &from));
}

void alpharho_place(const int8_t *in, int8_t *out, int32_t rows, int32_t size, int32_t pitch) {
  for (int32_t i = 0; i < rows; i++, in += size, out += pitch) {
    memcpy(out, in, (size_t)size);
  }
}

// Whether words can be used: the C library's small memcpy and memset go byte by byte.
static int aligned(const void *a, const void *b, int32_t size) {
  return (((uintptr_t)a | (uintptr_t)b | (uintptr_t)size) & 3) == 0;
}

void alpharho_copy(const int8_t *in, int8_t *out, int32_t size) {
  if (!aligned(in, out, size)) {
    memcpy(out, in, (size_t)size);
    return;
  }
  for (int32_t i = 0; i < size; i += 4) {
    uint32_t word;
    memcpy(&word, __builtin_assume_aligned(in + i, 4), sizeof word);
    memcpy(__builtin_assume_aligned(out + i, 4), &word, sizeof word);
    // Without this, the compiler replaces the loop by a call of memcpy.
    __asm__ volatile("" ::: "memory");
  }
}

void alpharho_fill(int8_t *out, int32_t value, int32_t size) {
  if (!aligned(out, out, size)) {
    memset(out, value, (size_t)size);
    return;
  }
  const uint32_t word = (uint8_t)value * 0x01010101u;
  for (int32_t i = 0; i < size; i += 4) {
    memcpy(__builtin_assume_aligned(out + i, 4), &word, sizeof word);
    __asm__ volatile("" ::: "memory");
  }
}
