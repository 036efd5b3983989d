#include "format.h"

#include <string.h>

uint64_t alpharho_divide(uint64_t value, uint32_t divisor, uint32_t *rest) {
  uint64_t left = 0;
  for (int bit = 0; bit < 64; bit++) {
    left = left << 1 | value >> 63;
    value <<= 1;
    if (left >= divisor) {
      left -= divisor;
      value |= 1u;
    }
  }
  *rest = (uint32_t)left;
  return value;
}

size_t alpharho_format_decimal(char *text, uint64_t value) {
  char reversed[ALPHARHO_DECIMAL_MAX];
  size_t count = 0;
  do {
    uint32_t digit;
    value = alpharho_divide(value, 10u, &digit);
    reversed[count++] = (char)('0' + digit);
  } while (value != 0u);
  for (size_t i = 0; i < count; i++) {
    text[i] = reversed[count - 1u - i];
  }
  return count;
}

uint32_t alpharho_thousandths(int32_t steps, float scale) {
  uint32_t bits;
  memcpy(&bits, &scale, sizeof bits);
  const uint32_t exponent = bits >> 23 & 0xFFu; /* scale = mantissa * 2^(exponent - 150) */
  const uint32_t mantissa = (bits & 0x7FFFFFu) | 0x800000u;
  uint64_t doubled = (uint64_t)mantissa * (2000u * (uint32_t)(steps < 0 ? -steps : steps));
  for (uint32_t left = exponent; left < 150u && doubled != 0u; left++) {
    doubled >>= 1;
  }
  const uint64_t rounded = (doubled + 1u) >> 1;
  return (exponent > 150u && doubled != 0u) || rounded > UINT32_MAX ? UINT32_MAX : (uint32_t)rounded;
}

void alpharho_format_hex(char *text, uint8_t value) {
  static const char digits[] = "0123456789abcdef";
  text[0] = digits[value >> 4];
  text[1] = digits[value & 15u];
}

int alpharho_parse_hex(char digit) {
  if (digit >= '0' && digit <= '9') {
    return digit - '0';
  }
  const char lower = (char)(digit | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

size_t alpharho_text_length(const char *text) {
  const char *end = text;
  while (*end != '\0') {
    end++;
  }
  return (size_t)(end - text);
}

bool alpharho_text_equal(const char *a, const char *b) {
  while (*a == *b && *a != '\0') {
    a++;
    b++;
  }
  return *a == *b;
}
