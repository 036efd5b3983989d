// Numbers by address, from a file of lines "ADDRESS NUMBER" in rising order of addresses.
#ifndef CYCLES_ADDRESSES_H
#define CYCLES_ADDRESSES_H

#include <stddef.h>
#include <stdint.h>

struct numbered {
  uint32_t address, number; // negative numbers wrap
};

struct addresses {
  struct numbered *all;
  size_t count, room;
};

void addresses_read(struct addresses *addresses, const char *path);

// What is at an address, NULL if nothing is.
const struct numbered *addresses_find(const struct addresses *addresses, uint32_t address);

#endif // CYCLES_ADDRESSES_H
