#include "ring.h"

_Static_assert((ALPHARHO_RX_RING_BYTES & (ALPHARHO_RX_RING_BYTES - 1u)) == 0u, "a power of two");

/* Positions run on forever; only their difference and their low bits are used. */
static uint8_t bytes_of_ring[ALPHARHO_RX_RING_BYTES];
static volatile uint32_t pushed;
static volatile uint32_t popped;
static volatile uint32_t overruns;

void alpharho_ring_push(uint8_t byte) {
  if (pushed - popped == ALPHARHO_RX_RING_BYTES) {
    overruns++;
    return;
  }
  bytes_of_ring[pushed % ALPHARHO_RX_RING_BYTES] = byte;
  pushed++;
}

size_t alpharho_ring_pop(uint8_t *bytes, size_t room) {
  const uint32_t waiting = pushed - popped;
  const size_t count = waiting < room ? waiting : room;
  for (size_t i = 0; i < count; i++) {
    bytes[i] = bytes_of_ring[(popped + i) % ALPHARHO_RX_RING_BYTES];
  }
  popped += count;
  return count;
}

bool alpharho_ring_is_empty(void) { return pushed == popped; }

uint32_t alpharho_ring_overruns(void) { return overruns; }
