"""Examples of a data set as a float network takes them: pictures of its size, or arrays of its shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration import evaluate
from calibration.checks import QuantizedTensor, is_picture_shape
from calibration.evaluate import Values
from datasets import Split, digest_of, prepare_many
from errors import ConfigError
from graph.types import Array
from models.build import KerasFacts

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Examples:
    """The inputs of a network and their labels (n,).

    `stored` (n, ...) are uint8 pixels, of which 0 and 255 stand for the values of `input_range`, or float32 values.
    """

    stored: npt.NDArray[np.uint8] | npt.NDArray[np.float32]
    labels: Labels
    input_range: tuple[float, float]

    def real(self) -> npt.NDArray[np.float32]:
        """Return the inputs as the float network takes them."""
        if self.stored.dtype == np.uint8:
            return to_range(self.stored.astype(np.uint8, copy=False), self.input_range)
        return self.stored.astype(np.float32, copy=False)

    def quantized(self, tensor: QuantizedTensor) -> Values:
        """Return the inputs as the input tensor of an int8 network stores them."""
        if self.stored.dtype == np.uint8:
            return evaluate.quantize(self.stored.astype(np.uint8, copy=False), self.input_range, tensor)
        return evaluate.quantize_reals(self.stored, tensor)

    def digest(self, with_labels: bool = False) -> str:
        """Return the sha256 of the inputs, and of their labels."""
        return digest_of(self.stored, self.labels if with_labels else None)


def to_range(pixels: npt.NDArray[np.uint8], input_range: tuple[float, float]) -> npt.NDArray[np.float32]:
    """Map uint8 pictures to the float range that a model takes, 0 to `low` and 255 to `high`."""
    low, high = input_range
    return pixels.astype(np.float32) * np.float32((high - low) / 255) + np.float32(low)


def select(split: Split, indices: Sequence[int] | Labels, network: KerasFacts, where: str) -> Examples:
    """Return the examples at `indices` as the network takes them. `where` begins messages, as `--data NAME`.

    Raises ConfigError if the network takes no pictures and the split has them, or for arrays of another size or type.
    """
    chosen, shape = np.asarray(indices, np.int64), network.input_shape
    if split.array is None:
        if not is_picture_shape(shape):
            text = "x".join(map(str, shape[1:]))
            raise ConfigError(
                f"{where}: it has pictures, and the model's input is {text}, which is not a picture of 1 or 3 "
                f"channels; give --data npz:FILE with x_train and x_test of that shape"
            )
        pixels = prepare_many(split, chosen, (shape[1], shape[2]), shape[3])
        return Examples(pixels, split.labels[chosen], network.input_range)
    return Examples(_values(split.array[chosen], shape, where), split.labels[chosen], network.input_range)


def _values(x: Array, shape: tuple[int, ...], where: str) -> npt.NDArray[np.uint8] | npt.NDArray[np.float32]:
    if x.shape[1:] != shape[1:] and x[0].size != int(np.prod(shape)):
        raise ConfigError(
            f"{where}: its arrays are {'x'.join(map(str, x.shape[1:]))} each, the model's input is "
            f"{'x'.join(map(str, shape[1:]))}; give x_train and x_test of that shape"
        )
    x = x.reshape(len(x), *shape[1:])
    if x.dtype == np.uint8:
        return x.astype(np.uint8, copy=False)
    if x.dtype.kind == "f":
        return x.astype(np.float32)
    raise ConfigError(
        f"{where}: its arrays are {x.dtype}; give float32 values as the model takes them, or uint8 pixels"
    )
