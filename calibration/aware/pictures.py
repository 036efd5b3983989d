"""The pictures of a data set as a network takes them, and what the network answers to those of the test split."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from calibration import converter, evaluate
from datasets import Dataset, Split, prepare_many, sample
from models.folded.graph import Folded, Ranges
from models.folded.to_keras import to_keras
from models.training.batches import INPUT_RANGE, to_input

BATCH = 250
Classes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


class Pictures:
    """The pictures of `data` for an input of `shape` (h, w, channels)."""

    def __init__(self, data: Dataset, shape: tuple[int, ...]) -> None:
        self.data, self._size, self._channels = data, (shape[0], shape[1]), shape[2]

    def calibration(self, count: int) -> Floats:
        """Return training pictures (n, h, w, channels), those that `inv calibrate` takes by default."""
        return self._input(self.data.train, sample(self.data.train, min(count, len(self.data.train))))

    def deciding(self, count: int) -> Floats:
        """Return other training pictures, or some of the same ones where there are no more."""
        chosen = sample(self.data.train, min(2 * count, len(self.data.train)))
        return self._input(self.data.train, chosen[-count:])

    def float_classes(self, graph: Folded) -> Classes:
        """Return the class (n,) of each test picture in float."""
        model = to_keras(graph)
        parts = [np.asarray(model.predict_on_batch(self._input(self.data.test, some))) for some in self._test()]
        return np.concatenate(parts).reshape(len(self.data.test), -1).argmax(axis=1)

    def int8_classes(self, graph: Folded, ranges: Ranges) -> Classes:
        """Return the class (n,) of each test picture in int8, by LiteRT's usual kernels."""
        with tempfile.TemporaryDirectory() as folder:
            path, log = Path(folder) / "model.tflite", Path(folder) / "converter.log"
            path.write_bytes(converter.with_ranges(graph, ranges, path, log))
            pixels = (prepare_many(self.data.test, some, self._size, self._channels) for some in self._test())
            return np.concatenate([evaluate.outputs(path, some, INPUT_RANGE).argmax(axis=1) for some in pixels])

    def _input(self, split: Split, indices: Classes) -> Floats:
        return to_input(prepare_many(split, indices, self._size, self._channels))

    def _test(self) -> list[Classes]:
        count = len(self.data.test)
        return [np.arange(start, min(start + BATCH, count)) for start in range(0, count, BATCH)]
