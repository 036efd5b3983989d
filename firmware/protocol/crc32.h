/* CRC-32 as zlib computes it (polynomial 0x04C11DB7, reflected; RFC 1952, section 8). */
#ifndef ALPHARHO_PROTOCOL_CRC32_H
#define ALPHARHO_PROTOCOL_CRC32_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The CRC of some bytes that follow those whose CRC is `crc`; start with 0. */
uint32_t alpharho_crc32_update(uint32_t crc, const void *data, size_t count);

#ifdef __cplusplus
}
#endif

#endif
