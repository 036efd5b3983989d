// TFLite-Micro behind engine.h: all it adds is the facts of model.h. The interpreter and its arena are in *_run.h, as
// any TFLite-Micro project takes them.
#include "engine.h"

#include "model.h"

namespace {

tflite::MicroInterpreter *interpreter = nullptr;

template <int32_t... Sizes> struct Shape {
  static constexpr int32_t sizes[] = {Sizes...};
};

#define TENSOR(index, bytes, name, dtype, scale_text, scale, zero_point, rank, ...)                                    \
  {name, dtype, scale_text, scale, zero_point, Shape<__VA_ARGS__>::sizes, rank, bytes},

const struct alpharho_engine_tensor inputs[] = {MODEL_INPUT_TABLE(TENSOR)};
const struct alpharho_engine_tensor outputs[] = {MODEL_OUTPUT_TABLE(TENSOR)};

struct alpharho_engine_info info = {
    MODEL_ENGINE, MODEL_ENGINE_VERSION, MODEL_KERNELS, MODEL_SHA256, MODEL_ARENA_BYTES, 0,
    false,        MODEL_INPUTS,         MODEL_OUTPUTS, inputs,       outputs,           nullptr};

} // namespace

const struct alpharho_engine_info *alpharho_engine_info(void) { return &info; }

int alpharho_engine_init(void) {
  interpreter = MODEL_INTERPRETER();
  if (interpreter == nullptr || interpreter->inputs_size() != MODEL_INPUTS ||
      interpreter->outputs_size() != MODEL_OUTPUTS) {
    return 1;
  }
  for (uint32_t i = 0; i < MODEL_INPUTS; i++) {
    if (interpreter->input(i)->bytes != inputs[i].bytes) {
      return 1;
    }
  }
  for (uint32_t i = 0; i < MODEL_OUTPUTS; i++) {
    if (interpreter->output(i)->bytes != outputs[i].bytes) {
      return 1;
    }
  }
  info.arena_used_bytes = static_cast<uint32_t>(interpreter->arena_used_bytes());
  return 0;
}

int8_t *alpharho_engine_input(uint32_t index) {
  return index < MODEL_INPUTS ? interpreter->input(index)->data.int8 : nullptr;
}

const int8_t *alpharho_engine_output(uint32_t index) {
  return index < MODEL_OUTPUTS ? interpreter->output(index)->data.int8 : nullptr;
}

int alpharho_engine_invoke(void) { return interpreter->Invoke() == kTfLiteOk ? 0 : 1; }
