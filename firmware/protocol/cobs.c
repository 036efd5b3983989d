#include "cobs.h"

size_t alpharho_cobs_decode(uint8_t *bytes, size_t count) {
  size_t from = 0;
  size_t to = 0;
  while (from < count) {
    const uint8_t code = bytes[from++];
    if (code == 0u || (size_t)(code - 1u) > count - from) {
      return ALPHARHO_COBS_BAD;
    }
    for (uint8_t i = 1; i < code; i++) {
      if (bytes[from] == 0u) {
        return ALPHARHO_COBS_BAD;
      }
      bytes[to++] = bytes[from++];
    }
    if (code != 0xFFu && from < count) {
      bytes[to++] = 0;
    }
  }
  return to;
}

void alpharho_cobs_encode(const uint8_t *bytes, size_t count, void (*write)(const uint8_t *bytes, size_t count)) {
  size_t at = 0;
  for (;;) {
    size_t run = 0;
    while (run < 254u && at + run < count && bytes[at + run] != 0u) {
      run++;
    }
    const uint8_t code = (uint8_t)(run + 1u);
    write(&code, 1);
    write(bytes + at, run);
    at += run;
    if (at == count) {
      return; /* nothing is left, so no zero follows */
    }
    if (run < 254u) {
      at++; /* the zero that this code implies */
    }
  }
}
