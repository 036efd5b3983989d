"""A network as one table of layers with batch normalization folded into kernels and biases.

`graph` is the table (no TensorFlow), `read` makes it from a Keras model, `run` computes it in float or with fake
quantization, `to_keras` turns it into a Keras model with `fake_quant` operators, for the converter or for training.
"""
