/* INFO: what the board, the build and the engine are, as JSON (docs/protocol.md). */
#ifndef ALPHARHO_APP_INFO_H
#define ALPHARHO_APP_INFO_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Put the part of the JSON that starts at `offset` into `bytes`, at most `room` of them. Returns the whole length.
 * The text is written each time, so it takes no RAM, and its length depends on the engine's tensors. */
uint32_t alpharho_info_part(uint32_t offset, uint8_t *bytes, uint32_t room);

#define ALPHARHO_UNIT_BYTES 16u

/* The chip's unique number as hex digits, "" if it has none; at most ALPHARHO_UNIT_BYTES of it. */
void alpharho_info_unit(char digits[2u * ALPHARHO_UNIT_BYTES + 1u]);

#ifdef __cplusplus
}
#endif

#endif
