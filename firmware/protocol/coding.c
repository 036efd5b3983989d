#include "coding.h"

#define GROUP 64u /* bytes with the same number of low bits */
#define PLAIN 7u  /* in place of that number: each byte as it is */

struct bits {
  const uint8_t *bytes;
  size_t count;
  size_t at;
};

/* Behind the end there are zeros. */
static uint32_t take_bit(struct bits *bits) {
  const size_t at = bits->at++;
  return at < bits->count ? (uint32_t)bits->bytes[at / 8u] >> (7u - at % 8u) & 1u : 0u;
}

static uint32_t take_bits(struct bits *bits, uint32_t count) {
  uint32_t value = 0;
  while (count-- > 0u) {
    value = value << 1 | take_bit(bits);
  }
  return value;
}

/* Ones, a zero, and `low` bits (Rice 1979). More than 255 is an error. */
static uint32_t take_number(struct bits *bits, uint32_t low) {
  uint32_t ones = 0;
  if (low == PLAIN) {
    return take_bits(bits, 8);
  }
  while (ones << low <= 255u && take_bit(bits) != 0u) {
    ones++;
  }
  return ones << low | take_bits(bits, low);
}

bool alpharho_coding_decode(const uint8_t *code, size_t size, uint8_t *out, size_t count) {
  if (size == 0u || code[0] == 0u) {
    return false;
  }
  const size_t distance = code[0];
  struct bits bits = {code + 1, 8u * (size - 1u), 0};
  uint32_t low = 0;
  uint32_t step = 0;
  size_t channel = 0;
  for (size_t i = 0; i < count; i++) {
    low = i % GROUP == 0u ? take_bits(&bits, 3) : low;
    const uint32_t number = take_number(&bits, low);
    if (number > 255u || bits.at > bits.count) {
      return false;
    }
    if (out != NULL) {
      step = (channel == 0u ? 0u : step) + ((number >> 1) ^ (0u - (number & 1u)));
      out[i] = (uint8_t)(step + (i < distance ? 0u : out[i - distance]));
      channel = channel + 1u == distance ? 0u : channel + 1u;
    }
  }
  return bits.count - bits.at < 8u;
}
