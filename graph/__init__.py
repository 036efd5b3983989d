"""One typed view of a `.tflite` file."""
