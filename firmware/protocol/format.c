#include "format.h"

size_t format_decimal(char *text, uint64_t value) {
  char reversed[DECIMAL_MAX];
  size_t count = 0;
  do {
    reversed[count++] = (char)('0' + value % 10u);
    value /= 10u;
  } while (value != 0u);
  for (size_t i = 0; i < count; i++) {
    text[i] = reversed[count - 1u - i];
  }
  return count;
}

void format_hex(char *text, uint8_t value) {
  static const char digits[] = "0123456789abcdef";
  text[0] = digits[value >> 4];
  text[1] = digits[value & 15u];
}

int parse_hex(char digit) {
  if (digit >= '0' && digit <= '9') {
    return digit - '0';
  }
  const char lower = (char)(digit | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}
