"""The oracles for networks that are int8 from input to output: LiteRT's reference kernels, and TFLite-Micro."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tflite_micro.python.tflite_micro.runtime import Interpreter

from graph.oracle import Oracle
from graph.types import Array

Int8 = npt.NDArray[np.int8]
ARENA_BYTES = 1 << 20


class Reference:
    """A network in LiteRT, from a file or its bytes, with `OpResolverType.BUILTIN_REF` unless others are named."""

    def __init__(self, model: bytes | Path, kernels: str = "reference") -> None:
        self._oracle = Oracle(model, kernels)

    def run(self, *inputs: Array) -> Sequence[Array]:
        """Return the outputs for the inputs."""
        return self._oracle.run(*inputs)


class MicroReference:
    """A network of one input in TFLite-Micro."""

    def __init__(self, model: bytes) -> None:
        self._interpreter = Interpreter.from_bytes(model, arena_size=ARENA_BYTES)

    def run(self, *inputs: Array) -> Sequence[Array]:
        """Return the output for the input."""
        self._interpreter.set_input(inputs[0], 0)
        self._interpreter.invoke()
        output: Array = self._interpreter.get_output(0)
        return [output]
