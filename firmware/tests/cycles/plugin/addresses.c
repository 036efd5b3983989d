#include "addresses.h"

#include "stop.h"

enum { LONGEST_LINE = 64, FIRST_ROOM = 4096 };

void addresses_read(struct addresses *addresses, const char *path) {
  FILE *const in = fopen(path, "r");
  if (!in) {
    stop("a file of addresses can't be read");
  }
  char line[LONGEST_LINE];
  while (fgets(line, sizeof line, in)) {
    if (addresses->count == addresses->room) {
      addresses->room = addresses->room ? 2u * addresses->room : FIRST_ROOM;
      struct numbered *const more = realloc(addresses->all, addresses->room * sizeof *more);
      if (!more) {
        stop("out of memory");
      }
      addresses->all = more;
    }
    char *rest = line;
    const uint32_t address = (uint32_t)strtoul(line, &rest, 10);
    addresses->all[addresses->count++] = (struct numbered){address, (uint32_t)strtoll(rest, NULL, 10)};
  }
  (void)fclose(in);
}

const struct numbered *addresses_find(const struct addresses *addresses, uint32_t address) {
  size_t first = 0, behind = addresses->count;
  while (first < behind) {
    const size_t middle = first + (behind - first) / 2u;
    const struct numbered *const one = &addresses->all[middle];
    if (one->address == address) {
      return one;
    }
    if (one->address < address) {
      first = middle + 1u;
    } else {
      behind = middle;
    }
  }
  return NULL;
}
