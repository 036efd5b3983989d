#include "counts.h"

#include <inttypes.h>

#include "stop.h"

enum { FIRST_PLACES = 1 << 14 };

// Counts stay where they are, as blocks point to them.
struct place {
  struct count *count;
};

static struct place *table; // open addressing; a power of two of places
static size_t places, used;

static bool is_same(const struct count *a, const struct count *b) {
  return a->block == b->block && a->before == b->before && a->after == b->after && a->called == b->called;
}

static struct place *place_of(struct place *those, size_t size, const struct count *key) {
  uint64_t hash = (uintptr_t)key->block * 0x9E3779B97F4A7C15u;
  hash = (hash ^ (uintptr_t)key->before) * 0xC2B2AE3D27D4EB4Fu;
  hash = (hash ^ (uintptr_t)key->after ^ ((uint64_t)(uint32_t)key->called << 40)) * 0x9E3779B97F4A7C15u;
  size_t at = (size_t)(hash >> 24) & (size - 1u);
  while (those[at].count && !is_same(those[at].count, key)) {
    at = (at + 1u) & (size - 1u);
  }
  return &those[at];
}

static void grow(void) {
  const size_t size = places ? places * 2u : FIRST_PLACES;
  struct place *const larger = calloc(size, sizeof *larger);
  if (!larger) {
    stop("out of memory");
  }
  for (size_t i = 0; i < places; i++) {
    if (table[i].count) {
      *place_of(larger, size, table[i].count) = table[i];
    }
  }
  free(table);
  table = larger;
  places = size;
}

// What is counted of the same blocks and operator.
static struct count *find(const struct count *one) {
  if (used >= places / 2u) {
    grow();
  }
  struct place *const place = place_of(table, places, one);
  if (!place->count) {
    place->count = malloc(sizeof *place->count);
    if (!place->count) {
      stop("out of memory");
    }
    *place->count = *one;
    place->count->times = place->count->fills = 0;
    used++;
  }
  return place->count;
}

void counts_add(const struct count *one) {
  struct count *found = one->block->recent; // mostly the same again: a loop
  if (!found || !is_same(found, one)) {
    found = one->block->recent = find(one);
  }
  found->times += one->times;
  found->fills += one->fills;
}

void counts_write(const char *path) {
  FILE *const out = fopen(path, "w");
  if (!out) {
    stop("the file of counts can't be written");
  }
  for (size_t i = 0; i < places; i++) {
    const struct count *const one = table[i].count;
    if (one) {
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
