/* Numbers and text, without stdio. The C library's strcmp and strlen and the compiler's 64-bit division are
 * optimized for speed, which nothing here needs, and take 1.7 KB of flash. */
#ifndef ALPHARHO_PROTOCOL_FORMAT_H
#define ALPHARHO_PROTOCOL_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ALPHARHO_DECIMAL_MAX 20u /* digits of 2^64 - 1 */

/* Return value / divisor; the remainder goes to `rest`. `divisor` is not 0. */
uint64_t alpharho_divide(uint64_t value, uint32_t divisor, uint32_t *rest);

/* Write the decimal digits of `value`, without a terminating zero. Returns their number. */
size_t alpharho_format_decimal(char *text, uint64_t value);

/* Return |steps| * scale in thousandths, to the nearest and halves up; more than fits is UINT32_MAX. `steps` is -255 to
 * 255. In integers: a core without floating point would take 3 KB of flash for it. */
uint32_t alpharho_thousandths(int32_t steps, float scale);

/* Write two hexadecimal digits. */
void alpharho_format_hex(char *text, uint8_t value);

/* The value of a hexadecimal digit, or -1. */
int alpharho_parse_hex(char digit);

size_t alpharho_text_length(const char *text);
bool alpharho_text_equal(const char *a, const char *b);

#ifdef __cplusplus
}
#endif

#endif
