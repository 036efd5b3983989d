#pragma once
#include <stddef.h>
#include <stdint.h>

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

struct TfLiteTensor {
  union {
    int8_t *int8;
    char *raw;
  } data;
  struct {
    float scale;
    int32_t zero_point;
  } params;
  size_t bytes;
};

namespace tflite {

class MicroInterpreter {
public:
  MicroInterpreter(const Model *model, const MicroOpResolver &ops, uint8_t *arena, size_t arena_bytes);
  ~MicroInterpreter();
  TfLiteStatus AllocateTensors();
  TfLiteStatus Invoke();
  TfLiteTensor *input(size_t index);
  TfLiteTensor *output(size_t index);
  size_t inputs_size() const { return 1; }
  size_t outputs_size() const { return 1; }
  size_t arena_used_bytes() const;

private:
  const unsigned char *model_;
  uint8_t *arena_;
  size_t arena_bytes_;
  TfLiteTensor input_, output_;
};

} // namespace tflite
