/* What the device counts and measures of itself, as JSON: docs/protocol.md, STATS. */
#ifndef ALPHARHO_PROTOCOL_STATS_H
#define ALPHARHO_PROTOCOL_STATS_H

#include "state.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Write the payload of STATS to `text`, which has room for ALPHARHO_MAX_PAYLOAD bytes. Returns its length. */
size_t alpharho_stats_text(const struct alpharho_device *device, uint8_t *text);

#ifdef __cplusplus
}
#endif

#endif
