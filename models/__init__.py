"""MobileNet V1, V2 and V3 with a width multiplier (alpha) and a resolution multiplier (rho).

``presets`` names a network, ``network`` is its table of layers (no TensorFlow), ``keras_model`` builds it in Keras.
"""
