"""From a float Keras model to a full int8 .tflite: representative data set, conversion, checks."""
