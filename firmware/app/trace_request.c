#include "trace_request.h"

#include "frame.h"
#include "trace.h"

#include <string.h>

enum kind { HASHES = 0, SELECT = 1, COLLECTED = 2 };

#define HASH_BYTES  10u /* of one tensor in an answer */
#define MOST_HASHES ((ALPHARHO_MAX_PAYLOAD - 5u) / HASH_BYTES)

/* Of the selected tensor: its bytes from `first` on, or the hashes of blocks of `block` bytes of them. */
static uint8_t collected[ALPHARHO_MAX_PAYLOAD - 3u];
static uint32_t used;
static uint32_t first;
static uint32_t block;
static uint32_t left; /* of the block that is being hashed */
static uint32_t hash;

static void collect_hash(uint8_t byte) {
  if (left == 0u) {
    left = block;
    hash = ALPHARHO_TRACE_FNV_START;
    used += 4u;
  }
  left--;
  hash = (hash ^ byte) * ALPHARHO_TRACE_FNV_PRIME;
  alpharho_put_u32(collected + used - 4u, hash);
}

static void collect(uint32_t offset, const int8_t *bytes, uint32_t count) {
  if (offset == 0u) {
    used = 0;
    left = 0;
  }
  for (uint32_t i = offset < first ? first - offset : 0u; i < count; i++) {
    if (block == 0u && used < sizeof collected) {
      collected[used++] = (uint8_t)bytes[i];
    } else if (block != 0u && (left != 0u || used + 4u <= sizeof collected)) {
      collect_hash((uint8_t)bytes[i]);
    }
  }
}

static uint32_t put_hashes(uint16_t from, uint8_t *answer) {
  const uint16_t total = alpharho_trace_count();
  uint32_t length = 5;
  alpharho_put_u16(answer + 3, total);
  for (uint16_t i = from; i < total && i - from < (int32_t)MOST_HASHES; i++) {
    const struct alpharho_trace_tensor *tensor = alpharho_trace_at(i);
    alpharho_put_u16(answer + length, tensor->tensor);
    alpharho_put_u32(answer + length + 2u, tensor->bytes);
    alpharho_put_u32(answer + length + 6u, tensor->hash);
    length += HASH_BYTES;
  }
  return length;
}

uint32_t alpharho_trace_request(const uint8_t *request, uint32_t count, uint8_t *answer) {
  if (count == 3u && request[0] == HASHES) {
    memcpy(answer, request, 3);
    return put_hashes(alpharho_get_u16(request + 1), answer);
  }
  if (count == 11u && request[0] == SELECT) {
    first = alpharho_get_u32(request + 3);
    block = alpharho_get_u32(request + 7);
    used = 0;
    left = 0;
    alpharho_trace_to(alpharho_get_u16(request + 1), collect);
    memcpy(answer, request, 11);
    return 11;
  }
  if (count == 5u && request[0] == COLLECTED) {
    const uint32_t most = alpharho_get_u16(request + 3);
    const uint32_t offset = alpharho_get_u16(request + 1);
    const uint32_t from = offset < used ? offset : used;
    const uint32_t size = used - from < most ? used - from : most;
    memcpy(answer, request, 3);
    memcpy(answer + 3, collected + from, size);
    return 3u + size;
  }
  return 0;
}
