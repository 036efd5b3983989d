/* Inputs in fewer bytes: docs/protocol.md, "Coding". */
#ifndef ALPHARHO_PROTOCOL_CODING_H
#define ALPHARHO_PROTOCOL_CODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Decode `count` bytes to `out`, which may be null to check the code only. Returns false if the code is not that of so
 * many bytes; `out` may have been written to. */
bool alpharho_coding_decode(const uint8_t *code, size_t size, uint8_t *out, size_t count);

#ifdef __cplusplus
}
#endif

#endif
