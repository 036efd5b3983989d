/* Consistent overhead byte stuffing: bytes without zeros, so that a zero can delimit them.
 * Cheshire and Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on Networking 7(2), 1999. */
#ifndef ALPHARHO_PROTOCOL_COBS_H
#define ALPHARHO_PROTOCOL_COBS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ALPHARHO_COBS_MAX_ENCODED(count) ((count) + (count) / 254u + 1u)
#define ALPHARHO_COBS_BAD                ((size_t)-1)

/* Decode in place. Returns the number of bytes, or ALPHARHO_COBS_BAD if this is not an encoding. */
size_t alpharho_cobs_decode(uint8_t *bytes, size_t count);

/* Pass the encoding of some bytes to `write`, piece by piece, without the delimiters. */
void alpharho_cobs_encode(const uint8_t *bytes, size_t count, void (*write)(const uint8_t *bytes, size_t count));

#ifdef __cplusplus
}
#endif

#endif
