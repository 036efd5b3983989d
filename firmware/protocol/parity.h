/* Parity that repairs damaged frames: docs/protocol.md, "Parity". A Reed-Solomon code over GF(256), whose polynomial is
 * x^8 + x^4 + x^3 + x^2 + 1; its generator has the roots 2^0 to 2^7 (Reed and Solomon 1960). */
#ifndef ALPHARHO_PROTOCOL_PARITY_H
#define ALPHARHO_PROTOCOL_PARITY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ALPHARHO_PARITY_BYTES   8u
#define ALPHARHO_PARITY_REPAIRS (ALPHARHO_PARITY_BYTES / 2u) /* so many damaged bytes of a frame */
#define ALPHARHO_PARITY_MAX     255u                         /* bytes of a frame with its parity */
#define ALPHARHO_PARITY_FAILED  255u

/* Write the parity of `count` bytes behind them. */
void alpharho_parity_add(uint8_t *bytes, size_t count);

/* Repair `count` bytes, at most ALPHARHO_PARITY_MAX, the last ALPHARHO_PARITY_BYTES of which are parity. Returns how
 * many were damaged, or ALPHARHO_PARITY_FAILED if that is more than can be repaired; the bytes are then as they were.
 */
uint8_t alpharho_parity_repair(uint8_t *bytes, size_t count);

#ifdef __cplusplus
}
#endif

#endif
