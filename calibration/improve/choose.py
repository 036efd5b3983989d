"""Which corrections a network gets: each is kept where int8 comes nearer to float on held-out pictures.

The held-out pictures are of the training split. Imports TensorFlow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calibration.improve import bias, equalize
from calibration.improve.ranges import least_squares, min_max
from calibration.improve.score import Score, score
from calibration.improve.statistics import BATCH, Values, collect
from models.folded import run
from models.folded.graph import Floats, Folded, Range, Ranges

SAME_OUTPUT = 0.01
"""How much an output may move by equalization, over the largest output; it does where ReLU6 clips."""
STEP_GAIN = 0.95
"""A step is kept if the distance is below this part of what it was: one that moves nothing is left out."""
STEP_PICTURES = 100
"""The first of the held-out inputs, with which the steps are tried."""


@dataclass(frozen=True)
class Step:
    """One step: what it does, how far int8 is from float with it, and whether it was kept."""

    name: str
    score: Score
    is_kept: bool = True


@dataclass(frozen=True)
class Chosen:
    """The network to convert, the range of each point, and the steps that led there.

    `twin` is the float network with the channels as `graph` has them, before biases were corrected. `exact` are the
    float network's outputs (m, ...) for the held-out inputs.
    """

    graph: Folded
    ranges: Ranges
    steps: tuple[Step, ...]
    twin: Folded
    exact: Floats


def choose(graph: Folded, inputs: Floats, held_out: Floats, input_range: Range | None) -> Chosen:
    """Return weights and ranges for int8, from calibration inputs (n, ...) and others (m, ...) to decide by.

    `input_range` are the values of pixels 0 and 255, None where the inputs are not pixels.
    """
    return _Trial(graph, inputs, held_out, input_range).run()


class _Trial:
    """The steps of one network."""

    def __init__(self, graph: Folded, inputs: Floats, held_out: Floats, input_range: Range | None) -> None:
        self.graph, self.inputs, self.held_out, self.input_range = graph, inputs, held_out, input_range
        self.exact = run.outputs(graph, held_out, batch=BATCH).numpy()
        self.steps: list[Step] = []

    def run(self) -> Chosen:
        """Return what is kept."""
        graph = self.graph
        values, self.outputs = collect(graph, self.inputs)
        ranges = min_max(graph, values, self.input_range)
        best = self._score(graph, ranges)
        self.steps.append(Step("ranges of input and h-swish", best))
        other = self._equalized(graph, values)
        if other is not None:
            spread, its_values = other
            its_ranges = min_max(spread, its_values, self.input_range)
            if self._is_better("equalization", its_score := self._score(spread, its_ranges), best):
                graph, values, ranges, best = spread, its_values, its_ranges, its_score
        kept = (graph.input.name,) if self.input_range is not None else ()
        shrunk = least_squares(ranges, values, kept)
        if self._is_better("least squared error", its_score := self._score(graph, shrunk), best):
            ranges, best = shrunk, its_score
        moved = bias.corrected(graph, ranges, self.inputs)
        if self._is_better("bias correction", self._score(moved, ranges), best):
            return Chosen(moved, ranges, tuple(self.steps), graph, self.exact)
        return Chosen(graph, ranges, tuple(self.steps), graph, self.exact)

    def _score(self, graph: Folded, ranges: Ranges) -> Score:
        tap = run.quantizing(ranges)
        inputs = self.held_out[:STEP_PICTURES]
        coarse = run.outputs(run.with_int8_kernels(graph), inputs, tap, BATCH).numpy()
        return score(self.exact[:STEP_PICTURES], coarse)

    def _is_better(self, name: str, mine: Score, best: Score) -> bool:
        is_kept = mine.distance < STEP_GAIN * best.distance
        self.steps.append(Step(name, mine, is_kept))
        return is_kept

    def _equalized(self, graph: Folded, values: dict[str, Values]) -> tuple[Folded, dict[str, Values]] | None:
        """Return the network with its spread tensors equalized and its values; None if none is, or outputs move."""
        for with_clipped in (True, False):
            other, its_values, spreads = equalize.equalize(graph, values, with_clipped)
            if not spreads:
                return None
            outputs, known = run.outputs(other, self.inputs[:BATCH]).numpy(), self.outputs[:BATCH]
            if np.abs(outputs - known).max() <= SAME_OUTPUT * np.abs(known).max():
                return other, its_values
        return None
