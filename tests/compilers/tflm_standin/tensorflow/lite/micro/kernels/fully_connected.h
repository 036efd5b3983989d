#pragma once
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
namespace tflite {
inline TFLMRegistration Register_FULLY_CONNECTED_INT8() { return {"FULLY_CONNECTED"}; }
} // namespace tflite
