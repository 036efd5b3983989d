"""Small .tflite files for tests that have no artifact to run. Needs no TensorFlow."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from graph.builder import Builder


def dense(path: Path, dtype: str = "int8", shape: tuple[int, ...] = (1, 16, 16, 3), classes: int = 10) -> Path:
    """Write a fully connected layer of `dtype` with fixed random weights, whose outputs spread over many values."""
    rng = np.random.default_rng(20)
    b, size = Builder(), int(np.prod(shape))
    zero = {"int8": -1, "uint8": 127, "float32": 0}[dtype]
    if dtype == "float32":
        source, target = b.tensor(shape, dtype, name="input"), b.tensor((1, classes), dtype, name="output")
        weights = b.tensor((classes, size), dtype, data=rng.normal(0, 0.1, (classes, size)), name="weights")
        bias = b.tensor((classes,), dtype, data=rng.normal(0, 1, classes), name="bias")
    else:
        middle = 128 if dtype == "uint8" else 0
        values = rng.integers(-127, 128, (classes, size)) + middle
        source = b.tensor(shape, dtype, 1 / 128, zero, name="input")
        target = b.tensor((1, classes), dtype, 0.006 * size**0.5, zero, name="output")
        weights = b.tensor((classes, size), dtype, 1 / 128, middle, values, name="weights")
        sums = rng.integers(-20000, 20000, classes)
        bias = b.tensor((classes,), "int32", 1 / 128**2, data=sums, name="bias")
    b.operator("FULLY_CONNECTED", [source, weights, bias], [target], {}, "FullyConnectedOptions", version=4)
    path.write_bytes(b.finish([source], [target]))
    return path


def convolution(path: Path) -> Path:
    """Write two convolutions of 3x3, whose input of 16x16x3 can be taken row by row; fixed random weights."""
    rng = np.random.default_rng(21)
    b = Builder()
    source = last = b.tensor((1, 16, 16, 3), scale=1 / 128, zero_point=-1, name="input")
    for side, depth, before in ((8, 4, 3), (4, 4, 4)):
        kernel = b.tensor((depth, 3, 3, before), scale=1 / 128, data=rng.integers(-127, 128, (depth, 3, 3, before)))
        bias = b.tensor((depth,), "int32", 1 / 128**2, data=rng.integers(-2000, 2000, depth))
        target = b.tensor((1, side, side, depth), scale=0.02, zero_point=-1, name=f"map{side}")
        options = {"Padding": 0, "StrideH": 2, "StrideW": 2}
        b.operator("CONV_2D", [last, kernel, bias], [target], options, "Conv2DOptions")
        last = target
    path.write_bytes(b.finish([source], [last]))
    return path


def for_suite(path: Path, stream_input: bool = False) -> Path:
    """Write the network that the suite runs where the user names none; one whose input can be streamed if it is."""
    return convolution(path) if stream_input else dense(path)


def failing(path: Path) -> Path:
    """Write a model that loads, and fails when run with an index of 4 or more: GATHER from a table of four."""
    b = Builder()
    index, target = b.tensor((1,), "int32", name="index"), b.tensor((1,), "float32", name="output")
    table = b.tensor((4,), "float32", data=np.arange(4), name="table")
    b.operator("GATHER", [table, index], [target], {}, "GatherOptions", version=1)
    path.write_bytes(b.finish([index], [target]))
    return path
