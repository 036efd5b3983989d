#include "format.h"

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
