// The engine whose network was compiled to C: all it adds is the arena. The network is that of engine_model.h.
#include "engine.h"

#include <stddef.h>
#include <string.h>

#include "engine_model.h"

// A board may place the arena, for example with __attribute__((section(".arena"))).
#ifndef ENGINE_ARENA_SECTION
#define ENGINE_ARENA_SECTION
#endif

static _Alignas(16) int8_t arena[ENGINE_MODEL_ARENA_BYTES] ENGINE_ARENA_SECTION;

#if ENGINE_MODEL_STREAMED

// A profiled network counts this too.
#ifndef ENGINE_MODEL_COPY
#define ENGINE_MODEL_COPY(copy) ((void)(copy))
#endif

static uint32_t row_bytes; // of the row that is coming

static void stream(const int8_t *bytes, uint32_t count, bool is_first) {
  if (is_first) {
    row_bytes = 0;
    engine_model_stream_begin(arena);
  }
  while (count > 0u) {
    const uint32_t left = ENGINE_MODEL_STREAM_ROW_BYTES - row_bytes, part = count < left ? count : left;
    ENGINE_MODEL_COPY(memcpy(engine_model_stream_place(arena) + row_bytes, bytes, part));
    bytes += part;
    count -= part;
    row_bytes += part;
    if (row_bytes == ENGINE_MODEL_STREAM_ROW_BYTES) {
      row_bytes = 0;
      engine_model_stream_row(arena);
    }
  }
}

#endif

static const struct alpharho_engine_info info = {
    .name = ENGINE_MODEL_ENGINE,
    .version = ENGINE_MODEL_ENGINE_VERSION,
    .kernels = ENGINE_MODEL_KERNELS,
    .model_sha256 = ENGINE_MODEL_SHA256,
    .arena_bytes = ENGINE_MODEL_ARENA_BYTES,
    .input_preserved = ENGINE_MODEL_INPUT_PRESERVED,
    .input_count = ENGINE_MODEL_INPUTS,
    .output_count = ENGINE_MODEL_OUTPUTS,
    .inputs = engine_model_inputs,
    .outputs = engine_model_outputs,
#if ENGINE_MODEL_STREAMED
    .stream = stream,
#endif
};

const struct alpharho_engine_info *alpharho_engine_info(void) { return &info; }

int alpharho_engine_init(void) { return 0; }

int8_t *alpharho_engine_input(uint32_t index) {
  return index < ENGINE_MODEL_INPUTS && !ENGINE_MODEL_STREAMED ? arena + engine_model_input_offsets[index] : NULL;
}

const int8_t *alpharho_engine_output(uint32_t index) {
  return index < ENGINE_MODEL_OUTPUTS ? arena + engine_model_output_offsets[index] : NULL;
}

int alpharho_engine_invoke(void) {
  engine_model_run(arena);
  return 0;
}
