/* The device's side of docs/protocol.md: requests in frames, and the text commands of MLPerf Tiny's runner.
 * Knows no board and no engine: struct alpharho_device_port and struct alpharho_device_model have pointers to both. No
 * heap; every length is checked before it is used. */
#ifndef ALPHARHO_PROTOCOL_DEVICE_H
#define ALPHARHO_PROTOCOL_DEVICE_H

#include "state.h"

#ifdef __cplusplus
extern "C" {
#endif

void alpharho_device_init(struct alpharho_device *device, const struct alpharho_device_model *model,
                          const struct alpharho_device_port *port);

/* Take bytes from the line and answer what they complete. */
void alpharho_device_receive(struct alpharho_device *device, const uint8_t *bytes, size_t count);

/* Send UTF-8 text of at most ALPHARHO_MAX_PAYLOAD bytes as a LOG frame, which no request precedes. */
void alpharho_device_log(struct alpharho_device *device, const char *text);

#ifdef __cplusplus
}
#endif

#endif
