// What runs the network. The application needs nothing else, and knows nothing of which engine it has.
//
// Memory is static. Inputs and outputs are parts of the engine's arena: an output is whole from alpharho_engine_invoke
// until the first write to an input, and inputs are kept by alpharho_engine_invoke only where `input_preserved` says
// so.
#ifndef ALPHARHO_ENGINES_ENGINE_H
#define ALPHARHO_ENGINES_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// An input or output. Its elements are row-major: real = scale * (q - zero_point). A float32 has a scale of 0.
struct alpharho_engine_tensor {
  const char *name;       // printable ASCII without quotes and backslashes
  const char *dtype;      // "int8", "uint8" or "float32"
  const char *scale_text; // decimal text that reads back as `scale`
  float scale;            // the float32 in the model
  int32_t zero_point;
  const int32_t *shape;
  uint32_t rank;
  uint32_t bytes;
};

struct alpharho_engine_info {
  const char *name;          // "aot", "tflm"
  const char *version;       // of the engine
  const char *kernels;       // "portable"
  const char *model_sha256;  // 64 hex digits: the .tflite that was compiled
  uint32_t arena_bytes;      // planned for activations, inputs and outputs included
  uint32_t arena_used_bytes; // set by alpharho_engine_init where the engine plans at run time; else 0
  bool input_preserved;
  uint32_t input_count, output_count;
  const struct alpharho_engine_tensor *inputs, *outputs;
  // Where the only input is taken as it arrives and is nowhere whole: take bytes of it, in order, computing as far as
  // they go; alpharho_engine_invoke does the rest, once. `is_first` begins an input. Null where alpharho_engine_input
  // is where it goes.
  void (*stream)(const int8_t *bytes, uint32_t count, bool is_first);
};

// Constant from the start, but for `arena_used_bytes`.
const struct alpharho_engine_info *alpharho_engine_info(void);

// Make ready to run. Returns 0, or an error of the engine.
int alpharho_engine_init(void);

// Where an input begins, or null for an index that is not there. It has `inputs[index].bytes` bytes.
int8_t *alpharho_engine_input(uint32_t index);

// Where an output begins, or null for an index that is not there.
const int8_t *alpharho_engine_output(uint32_t index);

// Run the network once. Returns 0, or an error of the engine.
int alpharho_engine_invoke(void);

#ifdef __cplusplus
}
#endif

#endif // ALPHARHO_ENGINES_ENGINE_H
