#include "counts.h"

#include <inttypes.h>

#include "stop.h"

enum { FIRST_PLACES = 1 << 14 };

static struct count *counts; // open addressing; a power of two of places
static size_t places, used;

static size_t place_of(const struct count *table, size_t size, const struct count *key) {
  uint64_t hash = (uintptr_t)key->block * 0x9E3779B97F4A7C15u;
  hash = (hash ^ (uintptr_t)key->before) * 0xC2B2AE3D27D4EB4Fu;
  hash = (hash ^ (uintptr_t)key->after ^ ((uint64_t)(uint32_t)key->called << 40)) * 0x9E3779B97F4A7C15u;
  size_t at = (size_t)(hash >> 24) & (size - 1u);
  while (table[at].block && (table[at].block != key->block || table[at].before != key->before ||
                             table[at].after != key->after || table[at].called != key->called)) {
    at = (at + 1u) & (size - 1u);
  }
  return at;
}

static void grow(void) {
  const size_t size = places ? places * 2u : FIRST_PLACES;
  struct count *const table = calloc(size, sizeof *table);
  if (!table) {
    stop("out of memory");
  }
  for (size_t i = 0; i < places; i++) {
    if (counts[i].block) {
      table[place_of(table, size, &counts[i])] = counts[i];
    }
  }
  free(counts);
  counts = table;
  places = size;
}

void counts_add(const struct count *one) {
  if (used >= places / 2u) {
    grow();
  }
  struct count *const place = &counts[place_of(counts, places, one)];
  if (place->block) {
    place->times += one->times;
    place->fills += one->fills;
  } else {
    *place = *one;
    used++;
  }
}

void counts_write(const char *path) {
  FILE *const out = fopen(path, "w");
  if (!out) {
    stop("the file of counts can't be written");
  }
  for (size_t i = 0; i < places; i++) {
    const struct count *const one = &counts[i];
    if (one->block) {
      (void)fprintf(out,
                    "%" PRId32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu64 " %" PRIu64 "\n",
                    one->called, one->before ? one->before->address : 0u, one->before ? one->before->instructions : 0u,
                    one->block->address, one->block->instructions, one->after->address, one->times, one->fills);
    }
  }
  if (fclose(out) != 0) {
    stop("the file of counts can't be written");
  }
}
