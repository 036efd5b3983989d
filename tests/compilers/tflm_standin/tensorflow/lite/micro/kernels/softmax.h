#pragma once
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
namespace tflite {
inline TFLMRegistration Register_SOFTMAX_INT8() { return {"SOFTMAX"}; }
} // namespace tflite
