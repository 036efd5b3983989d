"""Inputs for a device: the bytes of all its input tensors, one behind the other in the model's order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy.info import TensorSpec

CORNERS = ("lowest", "highest", "zero", "checker", "ramp", "random")
CORNER_SEED = 99


@dataclass(frozen=True)
class Pictures:
    """Inputs as the model takes them, and the class of each if known, (n,) int64.

    `inputs` are (n, ...) in the dtype of the one input tensor, or the bytes (n, bytes) of several.
    """

    inputs: NDArray[Any]
    labels: NDArray[np.int64] | None = None

    def first(self, count: int) -> Pictures:
        """Return the first ones, at most `count`."""
        return Pictures(self.inputs[:count], None if self.labels is None else self.labels[:count])


def random_input(dtype: str, shape: tuple[int, ...], seed: int) -> NDArray[Any]:
    """Return an array of random values of the whole range of `dtype`; floats from -1 to 1."""
    rng = np.random.default_rng(seed)
    if dtype == "float32":
        return rng.uniform(-1, 1, shape).astype(np.float32)
    info = np.iinfo(np.dtype(dtype))
    return rng.integers(info.min, info.max, shape, dtype=np.dtype(dtype), endpoint=True)


def random_example(specs: Sequence[TensorSpec], seed: int) -> bytes:
    """Return the bytes of a random input for each tensor."""
    parts = [random_input(spec.dtype, spec.shape, seed + 1000 * number) for number, spec in enumerate(specs)]
    return b"".join(part.tobytes() for part in parts)


def random_pictures(specs: Sequence[TensorSpec], count: int) -> Pictures:
    """Return random examples without classes."""
    return Pictures(np.stack([np.frombuffer(random_example(specs, seed), np.uint8) for seed in range(count)]))


def corner_example(specs: Sequence[TensorSpec], name: str) -> bytes:
    """Return the bytes of one of CORNERS for each tensor."""
    if name == "random":
        return random_example(specs, CORNER_SEED)
    return b"".join(_corner(spec, name) for spec in specs)


def _corner(spec: TensorSpec, name: str) -> bytes:
    size, is_float = int(np.prod(spec.shape)), spec.dtype == "float32"
    low, high = -1.0, 1.0
    if not is_float:
        info = np.iinfo(np.dtype(spec.dtype))
        low, high = float(info.min), float(info.max)
    values = {
        "lowest": np.full(size, low),
        "highest": np.full(size, high),
        "zero": np.full(size, 0.0 if is_float else float(spec.zero_point)),
        "checker": np.where(np.arange(size) % 2, low, high),
        "ramp": np.linspace(low, high, size),
    }[name]
    return (values if is_float else np.rint(values)).astype(spec.dtype).tobytes()
