"""Quantization-aware training: a few steps with int8 in the forward pass, beside a float control."""
