// The stand-in's interpreter. INPUT_BYTES and OUTPUT_BYTES are those of the network under test.
#include "tensorflow/lite/micro/micro_interpreter.h"

#include <string.h>

namespace tflite {

MicroInterpreter::MicroInterpreter(const Model *model, const MicroOpResolver &, uint8_t *arena, size_t arena_bytes)
    : model_(reinterpret_cast<const unsigned char *>(model)), arena_(arena), arena_bytes_(arena_bytes), input_(),
      output_() {}

MicroInterpreter::~MicroInterpreter() = default;

TfLiteStatus MicroInterpreter::AllocateTensors() {
  const bool is_aligned = reinterpret_cast<uintptr_t>(arena_) % 16 == 0 && reinterpret_cast<uintptr_t>(model_) % 16 == 0;
  if (!is_aligned || memcmp(model_ + 4, "TFL3", 4) != 0 || arena_bytes_ < arena_used_bytes()) {
    return kTfLiteError;
  }
  input_.data.raw = reinterpret_cast<char *>(arena_);
  input_.bytes = INPUT_BYTES;
  output_.data.raw = reinterpret_cast<char *>(arena_) + INPUT_BYTES;
  output_.bytes = OUTPUT_BYTES;
  return kTfLiteOk;
}

TfLiteStatus MicroInterpreter::Invoke() {
  for (size_t i = 0; i < OUTPUT_BYTES; i++) {
    output_.data.int8[i] = static_cast<int8_t>(input_.data.int8[i] + 1);
  }
  return kTfLiteOk;
}

TfLiteTensor *MicroInterpreter::input(size_t) { return &input_; }

TfLiteTensor *MicroInterpreter::output(size_t) { return &output_; }

size_t MicroInterpreter::arena_used_bytes() const { return INPUT_BYTES + OUTPUT_BYTES; }

} // namespace tflite
