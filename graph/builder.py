"""Builds small graphs in code, one tensor or operator after another. Nothing is checked, so files can be faulty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from graph import schema
from graph.types import Graph, Operator, Options, OptionValue, Quantization, Tensor
from graph.writer import write

# Versions with which LiteRT's reference kernels take int8; 2 for all others.
VERSIONS = {
    "FULLY_CONNECTED": 4, "CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "QUANTIZE": 2, "HARD_SWISH": 1, "RESHAPE": 1,
    "RELU_N1_TO_1": 1,
}  # fmt: skip


class Builder:
    """Collects the tensors and operators of a graph."""

    def __init__(self) -> None:
        self.tensors: list[Tensor] = []
        self.operators: list[Operator] = []

    def tensor(
        self,
        shape: Sequence[int],
        dtype: str = "int8",
        scale: float | Sequence[float] | None = None,
        zero_point: int | Sequence[int] = 0,
        data: npt.ArrayLike | None = None,
        axis: int = 0,
        name: str | None = None,
    ) -> int:
        """Add a tensor and return its index. With `data`, in the order of `shape`, it is a constant."""
        index = len(self.tensors)
        sizes = tuple(int(size) for size in shape)
        quantization = None
        if scale is not None:
            scales = tuple(float(np.float32(s)) for s in np.atleast_1d(scale))
            zero_points = tuple(int(z) for z in np.broadcast_to(zero_point, len(scales)))
            quantization = Quantization(scales, zero_points, axis)
        values = None if data is None else np.asarray(data, np.dtype(dtype)).reshape(sizes)
        self.tensors.append(Tensor(index, name or f"t{index}", sizes, dtype, quantization, values))
        return index

    def operator(
        self,
        name: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: Mapping[str, OptionValue] | None = None,
        table: str | None = None,
        version: int | None = None,
    ) -> None:
        """Add an operator; `options` are fields of the options table named `table`, the others have their defaults."""
        values = Options(table, {**schema.default_values(table), **(options or {})}) if table else Options()
        version = VERSIONS.get(name, 2) if version is None else version
        self.operators.append(Operator(len(self.operators), name, version, tuple(inputs), tuple(outputs), values))

    def custom(self, name: str, inputs: Sequence[int], outputs: Sequence[int], options: bytes = b"") -> None:
        """Add a custom operator."""
        self.operators.append(
            Operator(
                len(self.operators), name, 1, tuple(inputs), tuple(outputs), is_custom=True, custom_options=options
            )
        )

    def graph(self, inputs: Sequence[int], outputs: Sequence[int]) -> Graph:
        """Return the graph between the given tensors."""
        return Graph(tuple(self.tensors), tuple(self.operators), tuple(inputs), tuple(outputs))

    def finish(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """Return the bytes of the graph's `.tflite`."""
        return write(self.graph(inputs, outputs))
