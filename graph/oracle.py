"""LiteRT on this host: the oracle that every engine's outputs are compared with. The one place that opens it."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from console.quiet import output_to
from errors import GraphError
from graph import softmax
from graph.axes import corrected
from graph.kernels import KERNELS, USUAL
from graph.types import Array

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter

REASON_LIMIT = 250
"""Characters of LiteRT's reason in a message: it may name each of a hundred tensors."""


@dataclass(frozen=True)
class End:
    """An input or output as LiteRT has it; `scale` is 0 where it is not quantized."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int


class Oracle:
    """A network in LiteRT, ready to run."""

    def __init__(self, model: Path | bytes, kernels: str = "reference", threads: int = 1, keep_all: bool = False):
        """Load a `.tflite` from a file or its bytes and allocate its tensors.

        `kernels` is one of graph.kernels. With `keep_all`, `tensor` also reads tensors between the operators.
        Raises GraphError with LiteRT's reason if it cannot load the network.
        """
        self._name = str(model) if isinstance(model, Path) else "model"
        with _reported(self._name, "load"):
            self._interpreter = _open(model, kernels, threads, keep_all)
            with output_to(Path(os.devnull)):  # LiteRT prints which delegate it uses
                self._interpreter.allocate_tensors()
            self.inputs, self.outputs = _ends(self._interpreter)

    def run(self, *inputs: Array) -> list[Array]:
        """Return the outputs for the inputs, in the network's order; an input may have any shape of the right size."""
        self.invoke(*inputs)
        return [self.tensor(end.index) for end in self.outputs]

    def invoke(self, *inputs: Array) -> None:
        """Run the network once on the inputs. Raises GraphError with LiteRT's reason if an operator fails."""
        for end, value in zip(self.inputs, inputs, strict=True):
            self._interpreter.set_tensor(end.index, value.reshape(end.shape))
        with _reported(self._name, "run"):
            self._interpreter.invoke()

    def tensor(self, index: int) -> Array:
        """Return a copy of a tensor as the last run left it."""
        value: Array = self._interpreter.get_tensor(index)
        return value


def run_bytes(oracle: Oracle, inputs: Sequence[bytes]) -> list[bytes]:
    """Return the bytes of the outputs for the bytes of the inputs."""
    values = [np.frombuffer(raw, end.dtype) for raw, end in zip(inputs, oracle.inputs, strict=True)]
    return [output.tobytes() for output in oracle.run(*values)]


def run_joined(oracle: Oracle, raw: bytes) -> list[Array]:
    """Return the outputs for the bytes of all inputs, one behind the other in the network's order."""
    values, at = [], 0
    for end in oracle.inputs:
        dtype = np.dtype(end.dtype)
        count = int(np.prod(end.shape))
        values.append(np.frombuffer(raw, dtype, count, at))
        at += count * dtype.itemsize
    return oracle.run(*values)


def check_loads(model: Path) -> None:
    """Check that LiteRT loads a file, without memory for its tensors. Raises GraphError with LiteRT's reason."""
    with _reported(str(model), "load"):
        _ends(_open(model, USUAL, 1, False))


def _ends(interpreter: Interpreter) -> tuple[tuple[End, ...], tuple[End, ...]]:
    """Return the inputs and the outputs. Raises ValueError if a name is not in UTF-8."""
    details = interpreter.get_input_details(), interpreter.get_output_details()
    inputs, outputs = (tuple(_end(detail) for detail in ends) for ends in details)
    return inputs, outputs


def _open(model: Path | bytes, kernels: str, threads: int, keep_all: bool) -> Interpreter:
    if kernels == "reference":
        model = softmax.corrected(model.read_bytes() if isinstance(model, Path) else model) or model
    try:
        return _interpreter(model, kernels, threads, keep_all)
    except ValueError:
        # A file that TFLite-Micro runs should have an oracle.
        copy = corrected(model.read_bytes() if isinstance(model, Path) else model)
        if copy is None:
            raise
        return _interpreter(copy, kernels, threads, keep_all)


def _interpreter(model: Path | bytes, kernels: str, threads: int, keep_all: bool) -> Interpreter:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    return Interpreter(
        model_path=str(model) if isinstance(model, Path) else None,
        model_content=None if isinstance(model, Path) else model,
        num_threads=threads,
        experimental_op_resolver_type=getattr(OpResolverType, KERNELS[kernels]),
        experimental_preserve_all_tensors=keep_all,
    )


@contextmanager
def _reported(name: str, verb: str) -> Iterator[None]:
    """Turn what LiteRT raises into a GraphError of one line."""
    try:
        yield
    except (ValueError, RuntimeError) as e:
        reason = (str(e).strip().splitlines() or [type(e).__name__])[0]
        reason = textwrap.shorten(reason, REASON_LIMIT, placeholder=" ...")
        raise GraphError(f"{name}: LiteRT can't {verb} it ({reason})") from e


class _TensorDetail(TypedDict):
    """What LiteRT says of a tensor, as far as it is read here."""

    index: int
    name: str
    shape: Array
    dtype: type[np.generic[object]]
    quantization: tuple[float, int]


def _end(detail: _TensorDetail) -> End:
    scale, zero_point = detail["quantization"]
    return End(
        int(detail["index"]),
        str(detail["name"]),
        tuple(int(size) for size in detail["shape"]),
        np.dtype(detail["dtype"]).name,
        float(scale),
        int(zero_point),
    )
