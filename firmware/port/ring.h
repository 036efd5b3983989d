/* Received bytes between the interrupt, which alone writes, and the main loop, which alone reads. */
#ifndef ALPHARHO_PORT_RING_H
#define ALPHARHO_PORT_RING_H

#include "port.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Called by the receive interrupt. */
void alpharho_ring_push(uint8_t byte);

/* Called by the main loop. */
size_t alpharho_ring_pop(uint8_t *bytes, size_t room);
bool alpharho_ring_is_empty(void);

uint32_t alpharho_ring_overruns(void);

#ifdef __cplusplus
}
#endif

#endif
