/* Numbers as text, without stdio. */
#ifndef ALPHARHO_PROTOCOL_FORMAT_H
#define ALPHARHO_PROTOCOL_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define DECIMAL_MAX 20u /* digits of 2^64 - 1 */

/* Write the decimal digits of `value`, no zero behind them. Returns how many. */
size_t format_decimal(char *text, uint64_t value);

/* Write two hexadecimal digits. */
void format_hex(char *text, uint8_t value);

/* The value of a hexadecimal digit, or -1. */
int parse_hex(char digit);

#endif
