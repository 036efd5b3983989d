#pragma once
#ifndef TF_LITE_STATIC_MEMORY
#error "upstream's structures have another layout without TF_LITE_STATIC_MEMORY"
#endif
enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };

namespace tflite {

struct TFLMRegistration {
  const char *name;
};

class MicroOpResolver {
public:
  virtual ~MicroOpResolver() = default;
  void operator delete(void *) {} // nothing is on a heap
};

template <unsigned int Count> class MicroMutableOpResolver : public MicroOpResolver {
public:
  TfLiteStatus AddAdd(const TFLMRegistration & = {}) { return Add(); }
  TfLiteStatus AddConv2D(const TFLMRegistration & = {}) { return Add(); }
  TfLiteStatus AddDepthwiseConv2D(const TFLMRegistration & = {}) { return Add(); }
  TfLiteStatus AddFullyConnected(const TFLMRegistration & = {}) { return Add(); }
  TfLiteStatus AddMean(const TFLMRegistration & = {}) { return Add(); }
  TfLiteStatus AddSoftmax(const TFLMRegistration & = {}) { return Add(); }

  void operator delete(void *) {}

private:
  TfLiteStatus Add() { return ++count_ <= Count ? kTfLiteOk : kTfLiteError; }
  unsigned int count_ = 0;
};

} // namespace tflite
