#include "parity.h"

#include <string.h>

/* Eight elements of the field, four to a word: lane 0 is the lowest byte of `low`. */
struct lanes {
  uint32_t low;
  uint32_t high;
};

static uint32_t doubled(uint32_t word) { return (word & 0x7F7F7F7Fu) << 1 ^ (word >> 7 & 0x01010101u) * 0x1Du; }

static uint32_t chosen(uint32_t word, uint32_t other, uint32_t mask) { return word ^ ((word ^ other) & mask); }

/* Multiply each of four lanes by 2 to the power of its number. */
static uint32_t advanced_word(uint32_t word) {
  word = chosen(word, doubled(word), 0xFF00FF00u);
  return chosen(word, doubled(doubled(word)), 0xFFFF0000u);
}

static struct lanes advanced(struct lanes lanes) {
  const uint32_t high = advanced_word(lanes.high);
  return (struct lanes){advanced_word(lanes.low), doubled(doubled(doubled(doubled(high))))};
}

static struct lanes packed(const uint8_t elements[ALPHARHO_PARITY_BYTES]) {
  struct lanes lanes = {0, 0};
  for (unsigned i = 0; i < 4u; i++) {
    lanes.low |= (uint32_t)elements[i] << 8u * i;
    lanes.high |= (uint32_t)elements[4u + i] << 8u * i;
  }
  return lanes;
}

static void unpack(struct lanes lanes, uint8_t elements[ALPHARHO_PARITY_BYTES]) {
  for (unsigned i = 0; i < 4u; i++) {
    elements[i] = (uint8_t)(lanes.low >> 8u * i);
    elements[4u + i] = (uint8_t)(lanes.high >> 8u * i);
  }
}

static uint8_t sum(uint32_t word) {
  word ^= word >> 16;
  return (uint8_t)(word ^ word >> 8);
}

/* Four products at once. */
static uint32_t product(uint32_t lanes, uint8_t factor) {
  uint32_t result = 0;
  for (uint32_t bit = 0x80u; bit != 0u; bit >>= 1) {
    result = doubled(result) ^ ((factor & bit) != 0u ? lanes : 0u);
  }
  return result;
}

static uint8_t times(uint8_t a, uint8_t b) { return (uint8_t)product(a, b); }

static uint8_t inverse(uint8_t element) { /* its 254th power */
  uint8_t result = 1;
  for (unsigned i = 0; i < 7u; i++) {
    element = times(element, element);
    result = times(result, element);
  }
  return result;
}

void alpharho_parity_add(uint8_t *bytes, size_t count) {
  /* The generator's coefficients below x^8, that of x^7 in the highest lane. */
  static const struct lanes generator = {0xEFADC818u, 0xFF0B5136u};
  struct lanes rest = {0, 0};
  for (size_t i = 0; i < count; i++) {
    const uint8_t factor = (uint8_t)(bytes[i] ^ rest.high >> 24);
    rest.high = (rest.high << 8 | rest.low >> 24) ^ product(generator.high, factor);
    rest.low = rest.low << 8 ^ product(generator.low, factor);
  }
  for (unsigned i = 0; i < 4u; i++) {
    bytes[count + i] = (uint8_t)(rest.high >> (24u - 8u * i));
    bytes[count + 4u + i] = (uint8_t)(rest.low >> (24u - 8u * i));
  }
}

/* The frame as a polynomial, at the generator's roots: all zero if it is whole. */
static struct lanes syndromes_of(const uint8_t *bytes, size_t count) {
  struct lanes syndromes = {0, 0};
  for (size_t i = 0; i < count; i++) {
    syndromes = advanced(syndromes);
    syndromes.low ^= bytes[i] * 0x01010101u;
    syndromes.high ^= bytes[i] * 0x01010101u;
  }
  return syndromes;
}

/* Find the polynomial whose roots are the places of the errors (Berlekamp 1968, Massey 1969). Returns its degree. */
static unsigned locate(const uint8_t syndromes[ALPHARHO_PARITY_BYTES], uint8_t locator[ALPHARHO_PARITY_BYTES]) {
  uint8_t earlier[ALPHARHO_PARITY_BYTES] = {1};
  uint8_t kept[ALPHARHO_PARITY_BYTES];
  uint8_t divisor = 1;
  unsigned degree = 0;
  unsigned shift = 1;
  memset(locator, 0, ALPHARHO_PARITY_BYTES);
  locator[0] = 1;
  for (unsigned n = 0; n < ALPHARHO_PARITY_BYTES; n++, shift++) {
    uint8_t difference = 0;
    for (unsigned i = 0; i <= n; i++) {
      difference ^= times(locator[i], syndromes[n - i]);
    }
    if (difference == 0u) {
      continue;
    }
    const uint8_t factor = times(difference, inverse(divisor));
    memcpy(kept, locator, sizeof kept);
    for (unsigned i = shift; i < ALPHARHO_PARITY_BYTES; i++) {
      locator[i] ^= times(factor, earlier[i - shift]);
    }
    if (2u * degree <= n) {
      degree = n + 1u - degree;
      memcpy(earlier, kept, sizeof earlier);
      divisor = difference;
      shift = 0;
    }
  }
  return degree;
}

/* The first coefficients of the product of syndromes and locator, which give the errors' values (Forney 1965). */
static struct lanes evaluator_of(const uint8_t syndromes[ALPHARHO_PARITY_BYTES],
                                 const uint8_t locator[ALPHARHO_PARITY_BYTES]) {
  uint8_t evaluator[ALPHARHO_PARITY_BYTES] = {0};
  for (unsigned i = 0; i < ALPHARHO_PARITY_REPAIRS; i++) {
    for (unsigned k = 0; k <= i; k++) {
      evaluator[i] ^= times(locator[k], syndromes[i - k]);
    }
  }
  return packed(evaluator);
}

uint8_t alpharho_parity_repair(uint8_t *bytes, size_t count) {
  uint8_t syndromes[ALPHARHO_PARITY_BYTES];
  uint8_t polynomial[ALPHARHO_PARITY_BYTES];
  uint8_t places[ALPHARHO_PARITY_REPAIRS];
  uint8_t values[ALPHARHO_PARITY_REPAIRS];
  unsigned found = 0;
  unpack(syndromes_of(bytes, count), syndromes);
  const unsigned degree = locate(syndromes, polynomial);
  if (degree > ALPHARHO_PARITY_REPAIRS) {
    return ALPHARHO_PARITY_FAILED;
  }
  struct lanes locator = packed(polynomial);
  struct lanes evaluator = evaluator_of(syndromes, polynomial);
  /* From the first place of the longest frame to its last one (Chien 1964); a shorter one begins later. */
  for (size_t i = 0; i < ALPHARHO_PARITY_MAX && degree != 0u; i++) {
    locator = advanced(locator);
    evaluator = advanced(evaluator);
    if (sum(locator.low ^ locator.high) != 0u) {
      continue;
    }
    if (i < ALPHARHO_PARITY_MAX - count || found == degree) {
      return ALPHARHO_PARITY_FAILED;
    }
    const uint8_t slope = sum((locator.low ^ locator.high) & 0xFF00FF00u);
    places[found] = (uint8_t)(i - (ALPHARHO_PARITY_MAX - count));
    values[found] = times(sum(evaluator.low ^ evaluator.high), inverse(slope));
    found++;
  }
  if (found != degree) {
    return ALPHARHO_PARITY_FAILED;
  }
  for (unsigned i = 0; i < found; i++) {
    bytes[places[i]] ^= values[i];
  }
  return (uint8_t)degree;
}
