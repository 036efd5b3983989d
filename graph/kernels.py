"""Which kernels LiteRT runs a network with: our names of them. Imports nothing, so that options can read it."""

KERNELS = {"xnnpack": "AUTO", "builtin": "BUILTIN_WITHOUT_DEFAULT_DELEGATES", "reference": "BUILTIN_REF"}
"""LiteRT's name of what resolves the operators, by our name of the kernels."""
USUAL = "xnnpack"
"""What LiteRT takes itself: the fastest."""
