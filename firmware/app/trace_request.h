/* The request TRACE of docs/protocol.md: what a network that was compiled with `trace` has computed. */
#ifndef ALPHARHO_APP_TRACE_H
#define ALPHARHO_APP_TRACE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Answer a request of `count` bytes in `answer`, which has room for a frame's payload. Returns the answer's length, 0
 * for a request that can't be carried out. */
uint32_t alpharho_trace_request(const uint8_t *request, uint32_t count, uint8_t *answer);

#ifdef __cplusplus
}
#endif

#endif
