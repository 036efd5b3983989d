// The engine whose network was compiled to C: all it adds is the arena and the facts of model.h.
#include "engine.h"

#include <stddef.h>
#include <string.h>

#include "model.h"

// A board may place the arena, for example with __attribute__((section(".arena"))).
#ifndef ENGINE_ARENA_SECTION
#define ENGINE_ARENA_SECTION
#endif

static _Alignas(16) int8_t arena[MODEL_ARENA_BYTES] ENGINE_ARENA_SECTION;

#define TENSOR(offset, bytes, name, dtype, scale, zero_point, rank, ...)                                               \
  {name, dtype, scale, zero_point, (const int32_t[]){__VA_ARGS__}, rank, bytes},
#define OFFSET(offset, ...) offset,

static const struct alpharho_engine_tensor inputs[] = {MODEL_INPUT_TABLE(TENSOR)};
static const struct alpharho_engine_tensor outputs[] = {MODEL_OUTPUT_TABLE(TENSOR)};
static const int32_t input_offsets[] = {MODEL_INPUT_TABLE(OFFSET)};
static const int32_t output_offsets[] = {MODEL_OUTPUT_TABLE(OFFSET)};

#if MODEL_STREAMED

static uint32_t row_bytes; // of the row that is coming

static void stream(const int8_t *bytes, uint32_t count, bool is_first) {
  if (is_first) {
    row_bytes = 0;
    model_stream_begin(arena);
  }
  while (count > 0u) {
    const uint32_t left = MODEL_STREAM_ROW_BYTES - row_bytes, part = count < left ? count : left;
    memcpy(model_stream_place(arena) + row_bytes, bytes, part);
    bytes += part;
    count -= part;
    row_bytes += part;
    if (row_bytes == MODEL_STREAM_ROW_BYTES) {
      row_bytes = 0;
      model_stream_row(arena);
    }
  }
}

#endif

static const struct alpharho_engine_info info = {
    .name = MODEL_ENGINE,
    .version = MODEL_ENGINE_VERSION,
    .kernels = MODEL_KERNELS,
    .model_sha256 = MODEL_SHA256,
    .arena_bytes = MODEL_ARENA_BYTES,
    .input_preserved = MODEL_INPUT_PRESERVED,
    .input_count = MODEL_INPUTS,
    .output_count = MODEL_OUTPUTS,
    .inputs = inputs,
    .outputs = outputs,
#if MODEL_STREAMED
    .stream = stream,
#endif
};

const struct alpharho_engine_info *alpharho_engine_info(void) { return &info; }

int alpharho_engine_init(void) { return 0; }

int8_t *alpharho_engine_input(uint32_t index) {
  return index < MODEL_INPUTS && !MODEL_STREAMED ? arena + input_offsets[index] : NULL;
}

const int8_t *alpharho_engine_output(uint32_t index) {
  return index < MODEL_OUTPUTS ? arena + output_offsets[index] : NULL;
}

int alpharho_engine_invoke(void) {
  model_run(arena);
  return 0;
}
