#include "trace.h"

#include <stddef.h>

static struct alpharho_trace_tensor *table;
static uint16_t table_count;
static uint16_t chosen;
static void (*chosen_sink)(uint32_t offset, const int8_t *bytes, uint32_t count);

void alpharho_trace_begin(struct alpharho_trace_tensor *tensors, uint16_t count) {
  table = tensors;
  table_count = count;
  for (uint16_t i = 0; i < count; i++) {
    tensors[i].bytes = 0;
    tensors[i].hash = ALPHARHO_TRACE_FNV_START;
  }
}

void alpharho_trace(struct alpharho_trace_tensor *traced, uint16_t tensor, const int8_t *bytes, uint32_t count) {
  uint32_t hash = traced->hash;
  for (uint32_t i = 0; i < count; i++) {
    hash = (hash ^ (uint8_t)bytes[i]) * ALPHARHO_TRACE_FNV_PRIME;
  }
  if (chosen_sink != NULL && tensor == chosen) {
    chosen_sink(traced->bytes, bytes, count);
  }
  traced->tensor = tensor;
  traced->hash = hash;
  traced->bytes += count;
}

uint16_t alpharho_trace_count(void) { return table_count; }

const struct alpharho_trace_tensor *alpharho_trace_at(uint16_t i) { return &table[i]; }

void alpharho_trace_to(uint16_t tensor, void (*sink)(uint32_t offset, const int8_t *bytes, uint32_t count)) {
  chosen = tensor;
  chosen_sink = sink;
}
