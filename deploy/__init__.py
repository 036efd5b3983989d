"""From an artifact to a running device: links, frames, sessions, the Linux agent. Knows no TensorFlow."""
