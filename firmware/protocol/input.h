/* The input: which bytes of it have arrived, one bit per ALPHARHO_INPUT_GRANULE bytes, and the one that is streamed. */
#ifndef ALPHARHO_PROTOCOL_INPUT_H
#define ALPHARHO_PROTOCOL_INPUT_H

#include "state.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Note that the input's bytes from `offset` on were written. `offset` is a multiple of ALPHARHO_INPUT_GRANULE; a last
 * granule counts only if it is written to its end. A new input begins if the last one was run. */
void alpharho_input_mark(struct alpharho_device *device, uint8_t tensor, uint32_t offset, uint32_t count);

/* Write which granules of an input were written to `map`: bit 0 of the first byte is the one ALPHARHO_WRITE_MAP_BEFORE
 * before that of `offset`, or the first one. */
void alpharho_input_map(const struct alpharho_device *device, uint8_t tensor, uint32_t offset,
                        uint8_t map[ALPHARHO_WRITE_MAP_BYTES]);

/* Forget what was written. */
void alpharho_input_clear(struct alpharho_device *device);

/* Whether each byte of each input has been written. */
bool alpharho_input_is_whole(const struct alpharho_device *device);

#ifdef STREAMED_INPUT

enum alpharho_streamed { STREAMED, STREAMED_TOO_EARLY, STREAMED_TOO_LATE };

/* Pass the `count` bytes of the streamed input from `offset` on to the engine; `sequence` is that of their frame. Bytes
 * that were passed already are not passed again (too late); the host sends those again that come too early. */
enum alpharho_streamed alpharho_input_stream(struct alpharho_device *device, uint16_t sequence, const uint8_t *bytes,
                                             uint32_t offset, uint32_t count);

#endif

#ifdef __cplusplus
}
#endif

#endif
