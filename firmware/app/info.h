/* INFO: what the board, the build and the engine are, as JSON (docs/protocol.md). */
#ifndef ALPHARHO_APP_INFO_H
#define ALPHARHO_APP_INFO_H

#include <stdint.h>

/* Put the part of the JSON that starts at `offset` into `part`, as far as it has room. Returns the whole length.
 * The text is made anew each time, so it takes no RAM and is as long as the engine's tensors ask for. */
uint32_t alpharho_info_part(uint32_t offset, uint8_t *part, uint32_t room);

/* The number that decimal text such as "0.0078431" stands for, to some six digits. */
float alpharho_info_number(const char *text);

#endif
