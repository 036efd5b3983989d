"""Cuts for the least RAM: blocks in which some layers run in strips, which computes again what is not kept.

Each run of operators can be a block in several ways: any of its bottlenecks in strips or not, in wider or narrower
strips. Each way has the bytes that it needs and what it computes more than once. Dynamic programming finds the cheapest
cut that stays below a peak; the peak is the least whose cost is within COST_LIMIT.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from compilers.aot.kernel import PairsRow, RingRow, ValuesRow, WindowRow
from compilers.aot.operators import WINDOW_LIMIT
from compilers.aot.rows import block
from compilers.aot.segment import BLOCK_LIMIT, Needs
from compilers.aot.slices import by_channels, slices_of
from compilers.aot.stages import Stage, flows_into, overlap, scratch_bytes, stages
from compilers.aot.steps import Step
from compilers.aot.strips import CALL_MACS, again, depthwise_at, joined, window_of
from graph.types import Graph

COST_LIMIT = 0.5
"""What may be computed again, as a part of the network's multiply-accumulates."""
PEAK_STEP = 1.02
PARTS = (1, 2, 3, 4, 6, 8, 16)
"""Numbers of strips in a row that are tried."""
MAC_PIXELS = 4, 2
"""Kernels may take pixels by so many: strips have as many where the whole row has."""


@dataclass(frozen=True)
class Way:
    """A way to run operators `start` to `end`, not included: bytes alive, cost, and layers if it is a block.

    With `channels`, so many channels at a time go through a convolution and the mean behind it.
    """

    start: int
    end: int
    need: int
    cost: int
    layers: tuple[Stage, ...] = ()
    channels: int = 0

    @property
    def joined(self) -> int:
        """Operators in blocks, but for the first of each."""
        return self.end - self.start - 1


def slim(graph: Graph, steps: Sequence[Step], streamed: bool = False) -> list[tuple[Step, ...]]:
    """Return the cut that needs the least for what may be computed again, as steps to run; none if none can be."""
    ways = Ways(graph, steps, streamed).worth_trying()
    budget = COST_LIMIT * sum(step.macs for step in steps)
    tried = 0
    for peak in sorted({way.need for ends in ways for way in ends}):
        if peak < tried * PEAK_STEP:
            continue
        best = _cheapest(ways, peak)
        if best is not None and sum(way.cost for way in best) <= budget:
            return [tuple(step_of(graph, steps, way, streamed and way.start == 0) for way in best)]
        tried = peak if best else 0
    return []


def step_of(graph: Graph, steps: Sequence[Step], way: Way, streamed: bool) -> Step:
    """Return the step that runs operators in a way; `streamed` if it takes the network's input as it arrives."""
    part = steps[way.start : way.end]
    if way.channels:
        return by_channels(graph, part[0], part[1], way.channels)
    return block(graph, part, streamed, way.layers) if way.layers else part[0]


def _cheapest(ways: Sequence[Sequence[Way]], peak: int) -> list[Way] | None:
    """Return the cheapest ways to run all operators below a peak, in order; of those the fewest operators in blocks."""
    best: list[tuple[tuple[int, int], list[Way]] | None] = [((0, 0), [])]
    for ends in ways:
        found: tuple[tuple[int, int], list[Way]] | None = None
        for way in ends:
            before = best[way.start]
            if way.need > peak or before is None:
                continue
            cost = before[0][0] + way.cost, before[0][1] + way.joined
            if found is None or cost < found[0]:
                found = cost, [*before[1], way]
        best.append(found)
    return None if best[-1] is None else best[-1][1]


def _best(ways: Iterable[Way]) -> Iterator[Way]:
    least: int | None = None
    for way in sorted(ways, key=lambda way: (way.cost, way.need)):
        if least is None or way.need < least:
            least = way.need
            yield way


class Ways:
    """The ways to run each run of operators, by their end."""

    def __init__(self, graph: Graph, steps: Sequence[Step], streamed: bool) -> None:
        self.graph, self.steps, self.streamed = graph, steps, streamed
        self.needs = Needs(graph, steps, streamed)
        # A tensor that goes on to a sum behind the next layers can stay in a block with them.
        readers = {**self.needs.readers, **dict.fromkeys(self._passed(), 1)}
        self.flows = [flows_into(graph, a, b, readers) for a, b in itertools.pairwise(steps)]
        self.known: dict[tuple[int, int, int], tuple[Stage, int]] = {}

    def _passed(self) -> Iterator[int]:
        for i, step in enumerate(self.steps):
            for tensor in step.outputs:
                if self.needs.readers.get(tensor) == 2 and i + 1 < len(self.steps):
                    later = [s for s in self.steps[i + 2 : i + BLOCK_LIMIT] if tensor in s.inputs]
                    if tensor in self.steps[i + 1].inputs and len(later) == 1:
                        yield tensor

    def worth_trying(self) -> list[list[Way]]:
        """Return the ways that end at each operator, without those that are worse than another in need and cost."""
        return [
            [way for start in self.starts(end) for way in _best(self.of(start, end))]
            for end in range(1, len(self.steps) + 1)
        ]

    def starts(self, end: int) -> Iterator[int]:
        """Yield where blocks that end there can start."""
        for start in range(end - 1, max(-1, end - 1 - BLOCK_LIMIT), -1):
            if start < end - 2 and not all(self.flows[start : end - 1]):
                return
            yield start

    def of(self, start: int, end: int) -> Iterator[Way]:
        """Yield the ways to run these operators."""
        if end == start + 1:
            need = self.needs.of(start, end)
            if need is not None:
                yield Way(start, end, need, 0)
            return
        if end == start + 2:
            yield from self._sliced(start)
        layers = stages(self.graph, self.steps[start:end])
        if (
            layers is None
            or not all(self.flows[start : end - 1])
            or (self.streamed and start == 0 and not self.needs.may_stream(layers))
        ):
            return
        spans = list(spans_of(layers))
        needed = self._needed(layers, start, spans)
        if needed is not None:
            yield from self._trials(start, end, layers, spans, needed)

    def _sliced(self, start: int) -> Iterator[Way]:
        conv, mean = self.steps[start : start + 2]
        if self.needs.readers[conv.output] == 1 and mean.inputs == conv.outputs:
            for channels, scratch in slices_of(self.graph, conv, mean):
                need = self.needs.alive(start, start + 2, {}) + scratch
                cost = CALL_MACS * self.graph.tensors[conv.output].shape[-1] // channels
                yield Way(start, start + 2, need, cost, channels=channels)

    def _needed(
        self, layers: Sequence[Stage], start: int, spans: Sequence[tuple[int, int]]
    ) -> set[tuple[int, int]] | None:
        """Return the spans that must be in strips: those that keep a tensor for their sum. None if others read one."""
        needed = set()
        for i, layer in enumerate(layers[:-1]):
            if self.needs.readers[layer.step.output] > 1:
                span = next((span for span in spans if span[0] == i + 1), None)
                if span is None or layers[span[1] - 1].residual != layer.step.output:
                    return None
                needed.add(span)
        return needed

    def _trials(
        self, start: int, end: int, layers: list[Stage], spans: Sequence[tuple[int, int]], needed: set[tuple[int, int]]
    ) -> Iterator[Way]:
        if not needed:
            yield self._way(start, end, layers, 0)
        for parts in PARTS if spans else ():
            made = {span: self._joined(layers, start, span, parts) for span in spans}
            order = sorted(
                spans, key=lambda span: (span not in needed, made[span][1] / _saved(layers, span, made[span][0]))
            )
            for count in range(max(len(needed), 1), len(spans) + 1):
                chosen = sorted(order[:count])
                cost = sum(made[span][1] for span in chosen)
                yield self._way(start, end, _replaced(layers, {span: made[span][0] for span in chosen}), cost)

    def _joined(self, layers: Sequence[Stage], start: int, span: tuple[int, int], parts: int) -> tuple[Stage, int]:
        key = start + span[0], start + span[1], parts
        if key not in self.known:
            within = layers[span[0] : span[1]]
            layer = joined(within, columns_of(within, parts))
            self.known[key] = layer, again(layer)[1]
        return self.known[key]

    def _way(self, start: int, end: int, layers: Sequence[Stage], cost: int) -> Way:
        streamed = self.streamed and start == 0
        overlaps = {} if streamed else overlap(layers)
        need = self.needs.alive(start, end, overlaps) + scratch_bytes(layers, streamed)
        return Way(start, end, need, cost, tuple(layers))


def columns_of(layers: Sequence[Stage], parts: int) -> int:
    """Return how many columns strips have if a row is cut into so many."""
    width = window_of(layers[depthwise_at(layers)].call)["out_w"]
    unit = next((pixels for pixels in MAC_PIXELS if width % pixels == 0), 1)
    return min(-(-width // parts // unit) * unit, width)


def spans_of(layers: Sequence[Stage]) -> Iterator[tuple[int, int]]:
    """Yield the layers that can run in strips together: first and one behind the last."""
    for at, layer in enumerate(layers):
        if not isinstance(layer.form, RingRow) or layer.extent < 2:
            continue
        first = at - 1
        while first >= 0 and isinstance(layers[first].form, ValuesRow):
            first -= 1
        if first < 0 or layers[first].step.name != "CONV_2D" or layers[first].source_shape[1] >= WINDOW_LIMIT:
            continue
        yield first, _end(layers, first, at)


def _end(layers: Sequence[Stage], first: int, at: int) -> int:
    end = plain = _values(layers, at + 1)
    if end < len(layers) and layers[end].step.name == "CONV_2D" and _is_pointwise(layers[end]):
        end = _values(layers, end + 1)
        # What a depthwise layer reads next is the start of its own strips.
        if end < len(layers) and isinstance(layers[end].form, RingRow):
            return plain
        if (
            end < len(layers)
            and isinstance(layers[end].form, PairsRow)
            and layers[end].residual == layers[first].source
        ):
            return end + 1
    return end


def _values(layers: Sequence[Stage], at: int) -> int:
    while at < len(layers) and isinstance(layers[at].form, ValuesRow):
        at += 1
    return at


def _is_pointwise(layer: Stage) -> bool:
    window = window_of(layer.call)
    sides = (window[f"{name}_{along}"] for name in ("kernel", "stride") for along in "hw")
    return isinstance(layer.form, WindowRow) and set(sides) == {1} and not window["pad_top"] + window["pad_left"]


def _saved(layers: Sequence[Stage], span: tuple[int, int], layer: Stage) -> int:
    """Return bytes that strips save, at least one."""
    plain = sum(part.ring or part.line for part in layers[span[0] : span[1]])
    return max(plain - layer.rows * layer.line, 1)


def _replaced(layers: Sequence[Stage], chosen: dict[tuple[int, int], Stage]) -> list[Stage]:
    result, at = [], 0
    for (first, end), layer in sorted(chosen.items(), key=lambda item: item[0]):
        result += [*layers[at:first], layer]
        at = end
    return [*result, *layers[at:]]
