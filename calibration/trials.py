"""Which preparation of pictures a network wants: each usual one is tried in LiteRT on this host, and top-1 compared."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from calibration import labels as label_maps
from calibration.preparation import CAFFE, RESIZES, TORCH, Pixels, Size, Way, resized, values_for
from datasets import Dataset
from errors import ConfigError
from graph.kernels import USUAL
from graph.oracle import Oracle
from graph.types import Array

AS_GIVEN, BY_NUMBER, REVERSED, SHIFTED = "as given", "by number", "reversed", "after a background class"
REORDERED = "another order"
MANY = 2.0
"""Standard errors by which one way must be better than another to count as better."""
Truth = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Trial:
    """A way and an order of classes, and which pictures are right: `right` is bool (n,).

    `numbers` are the network's class numbers by the data set's.
    """

    way: Way
    order: str
    right: npt.NDArray[np.bool_]
    numbers: tuple[int, ...]

    @property
    def top1(self) -> float:
        """The fraction that is right."""
        return float(self.right.mean())


class Network(Protocol):
    """What classifies pictures: `size` and `channels` are those of its input."""

    size: Size
    channels: int
    classes: int

    def top1(self, inputs: npt.NDArray[np.float32], progress: Callable[[], None]) -> Truth:
        """Return the class of each of the float inputs (n, h, w, channels); call `progress` after each."""


class Candidate:
    """A network with a picture as its input, in float or in int8, as LiteRT runs it."""

    def __init__(self, path: Path, name: str) -> None:
        """Load a `.tflite`; `name` is what messages say. Raises ConfigError if it does not classify pictures."""
        self._oracle = Oracle(path, USUAL, threads=2)
        self._input, self._output = self._oracle.inputs[0], self._oracle.outputs[0]
        shape = self._input.shape
        if len(self._oracle.inputs) != 1 or len(shape) != 4 or shape[0] != 1 or shape[3] not in (1, 3):
            raise ConfigError(f"--model {name}: expected an input [1, h, w, 1 or 3], a picture, got {list(shape)}")
        self.size: Size = (shape[1], shape[2])
        self.channels = shape[3]
        scores = math.prod(self._output.shape)
        if len(self._oracle.outputs) != 1 or scores != self._output.shape[-1]:
            raise ConfigError(
                f"--model {name}: expected one output with a score for each class, got "
                f"{[list(end.shape) for end in self._oracle.outputs]}; accuracy has no meaning there"
            )
        self.classes = max(2, scores)

    def top1(self, inputs: npt.NDArray[np.float32], progress: Callable[[], None]) -> Truth:
        """Return the class of each of the float inputs (n, h, w, channels)."""
        result = np.empty(len(inputs), np.int64)
        for i, values in enumerate(inputs):
            scores = self._oracle.run(self._as_input(values))[0].reshape(-1)
            result[i] = scores.argmax() if len(scores) > 1 else self._is_second(float(scores[0]))
            progress()
        return result

    def _as_input(self, values: npt.NDArray[np.float32]) -> Array:
        if self._input.dtype == "float32":
            return values
        info = np.iinfo(self._input.dtype)
        stored = np.rint(values / np.float32(self._input.scale or 1)) + self._input.zero_point
        return np.clip(stored, info.min, info.max).astype(self._input.dtype)

    def _is_second(self, score: float) -> bool:
        """Return whether the one score of a network of two classes is for the second."""
        scale = self._output.scale
        return (scale * (score - self._output.zero_point) if scale else score) > 0.5


def orders_of(labels: Sequence[str], data: Dataset, classes: int) -> dict[str, tuple[int, ...]]:
    """Return the network's class number for each of the data set's, in each usual order; the first is the given one."""
    count = len(data.class_names)
    orders: dict[str, tuple[int, ...]] = {}
    own = label_maps.fit(labels, classes)
    given = label_maps.align(own if len(own) == classes else (), data.class_names, classes)
    if given is not None:
        orders[AS_GIVEN] = tuple(int(number) for number in given)
    if count <= classes:
        orders[BY_NUMBER] = tuple(range(count))
        orders[REVERSED] = tuple(range(count - 1, -1, -1))
    if count < classes:
        orders[SHIFTED] = tuple(range(1, count + 1))
    return {name: numbers for i, (name, numbers) in enumerate(orders.items()) if numbers not in [*orders.values()][:i]}


class Trials:
    """All trials of one network on a sample of a data set's test pictures."""

    def __init__(
        self, network: Network, labels: Sequence[str], data: Dataset, indices: npt.NDArray[np.int64],
        given: tuple[float, float] | None,
    ) -> None:  # fmt: skip
        """`given` are the values of pixels 0 and 255 that the options or the file say, None if nothing does.

        Raises ConfigError if the data set has more classes than the network.
        """
        self._network, self._data, self._indices = network, data, indices
        self.truth: Truth = data.test.labels[indices]
        self.orders = orders_of(labels, data, network.classes)
        if not self.orders:
            raise ConfigError(
                f"--data {data.name}: it has {len(data.class_names)} classes, the network {network.classes}; "
                "give its own --data"
            )
        self._values = values_for(network.channels, given)
        self.given = Way(self._values[0], colors=network.channels)
        self.done: list[Trial] = []

    def first_ways(self) -> list[Way]:
        """Return each of the values, in each order of channels and sides that goes with it."""
        network = self._network
        colors = (False, True) if network.channels == 3 else (False,)
        sides = (False, True) if network.size[0] == network.size[1] else (False,)
        ways = [
            Way(values, bgr, turned, colors=network.channels)
            for turned in sides
            for bgr in colors
            for values in self._values
        ]
        return [way for way in ways if way.values != (TORCH if way.bgr else CAFFE)]

    @property
    def count(self) -> int:
        """How many inferences `run` needs at most."""
        return len(self._indices) * (len(self.first_ways()) + len(RESIZES) - 1)

    def run(self, progress: Callable[[int], None]) -> None:
        """Try all; `progress` gets the count of inferences done."""
        steps = self._counting(progress)
        pixels = self._pixels("bilinear")
        is_gray = np.array_equal(pixels, pixels[..., ::-1])
        for way in self.first_ways():
            if not (way.bgr and is_gray):
                self._try(way, pixels, steps)
        best = self.best().way
        seen = [pixels]
        for kind in [*RESIZES][1:]:
            pixels = self._pixels(kind)
            if not any(np.array_equal(pixels, others) for others in seen):
                seen.append(pixels)
                self._try(replace(best, resize=kind), pixels, steps)

    def as_options_say(self) -> Trial:
        """Return the trial of the options as they are."""
        order = next(iter(self.orders))
        return next(trial for trial in self.done if trial.way == self.given and trial.order == order)

    def best(self) -> Trial:
        """Return the trial with the fewest changes among those of which none is better beyond chance."""
        top = max(self.done, key=lambda trial: trial.top1)
        equals = [trial for trial in self.done if not is_better(top, trial)]
        return min(equals, key=lambda trial: (self._changes(trial), -trial.top1))

    def _changes(self, trial: Trial) -> float:
        way, given = trial.way, self.given
        values = 0.0 if way.values == given.values else 1.0 if way.values.input_range else 1.5
        others = (way.bgr, way.transposed, way.resize != given.resize, trial.order != next(iter(self.orders)))
        return values + sum(others) + 2.0 * (trial.order == REORDERED)

    def _pixels(self, kind: str) -> Pixels:
        return resized(self._data.test, self._indices, self._network.size, self._network.channels, kind)

    def _try(self, way: Way, pixels: Pixels, steps: Iterator[None]) -> None:
        answers = self._network.top1(way(pixels), lambda: next(steps))
        orders = dict(self.orders)
        other = _most_frequent(answers, self.truth, len(self._data.class_names))
        if other is not None and other not in orders.values():
            orders[REORDERED] = other
        for name, numbers in orders.items():
            self.done.append(Trial(way, name, answers == np.array(numbers)[self.truth], numbers))

    def _counting(self, progress: Callable[[int], None]) -> Iterator[None]:
        for done in range(1, self.count + 1):
            progress(done)
            yield


def is_better(one: Trial, other: Trial) -> bool:
    """Return whether one trial is better than another by more than chance (McNemar's test on the same pictures)."""
    won = int((one.right & ~other.right).sum())
    lost = int((other.right & ~one.right).sum())
    return won - lost > MANY * math.sqrt(won + lost)


def _most_frequent(answers: Truth, truth: Truth, count: int) -> tuple[int, ...] | None:
    """Return the answer that each class gets most often, None if two classes share it or one has under 3 pictures."""
    frequent: list[int] = []
    for label in range(count):
        own = answers[truth == label]
        if len(own) < 3:
            return None
        frequent.append(int(np.bincount(own).argmax()))
    return tuple(frequent) if len(set(frequent)) == count else None
