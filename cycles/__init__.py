"""Modeled cycles of programs for Arm Cortex-M and RISC-V: QEMU tells which code runs, tables tell what it costs.

`model.price` is what others call. A model, not a measurement: figures of it are called modeled everywhere.
"""
