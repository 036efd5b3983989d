"""Firmware images: toolchains, sizes, and whether a network fits a board."""
