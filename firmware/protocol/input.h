/* Which bytes of the input have arrived, one bit per INPUT_GRANULE bytes. */
#ifndef ALPHARHO_PROTOCOL_INPUT_H
#define ALPHARHO_PROTOCOL_INPUT_H

#include "state.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Note that the input's bytes from `offset` on were written. `offset` is a multiple of INPUT_GRANULE; a last
 * granule counts only if it is written to its end. A new input begins if the last one was run. */
void alpharho_input_mark(struct device *device, uint8_t tensor, uint32_t offset, uint32_t count);

/* Forget what was written. */
void alpharho_input_clear(struct device *device);

/* Whether each byte of each input has been written. */
bool alpharho_input_is_whole(const struct device *device);

#ifdef __cplusplus
}
#endif

#endif
