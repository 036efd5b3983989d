// The engine whose network was compiled to C: all it adds is the arena and the facts of model.h.
#include "engine.h"

#include <stddef.h>

#include "model.h"

// A board may place the arena, for example with __attribute__((section(".arena"))).
#ifndef ENGINE_ARENA_SECTION
#define ENGINE_ARENA_SECTION
#endif

static _Alignas(16) int8_t arena[MODEL_ARENA_BYTES] ENGINE_ARENA_SECTION;

#define TENSOR(offset, bytes, name, dtype, scale, zero_point, rank, ...)                                               \
  {name, dtype, scale, zero_point, (const int32_t[]){__VA_ARGS__}, rank, bytes},
#define OFFSET(offset, ...) offset,

static const struct engine_tensor inputs[] = {MODEL_INPUT_TABLE(TENSOR)};
static const struct engine_tensor outputs[] = {MODEL_OUTPUT_TABLE(TENSOR)};
static const int32_t input_offsets[] = {MODEL_INPUT_TABLE(OFFSET)};
static const int32_t output_offsets[] = {MODEL_OUTPUT_TABLE(OFFSET)};

static const struct engine_info info = {
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
};

const struct engine_info *engine_info(void) { return &info; }

int engine_init(void) { return 0; }

int8_t *engine_input(uint32_t index) { return index < MODEL_INPUTS ? arena + input_offsets[index] : NULL; }

const int8_t *engine_output(uint32_t index) { return index < MODEL_OUTPUTS ? arena + output_offsets[index] : NULL; }

int engine_invoke(void) {
  model_run(arena);
  return 0;
}
