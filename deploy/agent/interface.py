"""An engine as the agent's server uses it, and its tensors as INFO has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypedDict


class Tensor(TypedDict):
    """A tensor of INFO: real value = scale x (stored - zero_point)."""

    name: str
    shape: list[int]
    dtype: str
    scale: float
    zero_point: int


class Detail(TypedDict, total=False):
    """A tensor as LiteRT's interpreter describes it, as far as the agent needs it."""

    name: str
    index: int
    dtype: type
    shape: Sequence[int]
    shape_signature: Sequence[int]
    quantization: tuple[float, int]


class Engine(Protocol):
    """A loaded model. Tensors go in and out as the bytes of a C-ordered array.

    `memory` is bytes by name; `counter` has the name, rate_hz and unit of the clock that times `run`. `input_preserved`
    is true if an input may be run again without setting it.
    """

    input_preserved: bool
    inputs: list[Tensor]
    outputs: list[Tensor]

    @property
    def name(self) -> str:
        """What INFO calls it."""

    @property
    def version(self) -> str:
        """Version of the runtime."""

    @property
    def kernels(self) -> str:
        """Which kernels run."""

    @property
    def model_sha256(self) -> str:
        """sha256 of the .tflite, as hex digits."""

    @property
    def memory(self) -> Mapping[str, int]:
        """Sizes in bytes, by name."""

    @property
    def counter(self) -> Mapping[str, object]:
        """Name, rate_hz and unit of the clock."""

    def set_input(self, tensor: int, data: bytes) -> None:
        """Set input `tensor` to these bytes."""

    def run(self) -> int:
        """Run once and return the ticks it took. Raises EngineError."""

    def output(self, tensor: int) -> bytes:
        """Return the bytes of output `tensor`."""

    def stats(self) -> dict[str, int]:
        """Return the engine's part of STATS."""
