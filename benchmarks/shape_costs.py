"""What a multiply-accumulate costs in layers of all shapes: modeled cycles, beside TFLite-Micro's with TFLM_DIR set.

Run it with `.venv/bin/python -m benchmarks.shape_costs [--targets qemu-m4,qemu-m55]`: a table of shapes.SHAPES. With
`--random N` the layers are N random ones, and those are listed that cost over three times the median of their kind.
All layers are operators of one network, each with an input and an output of its own, so that a core takes one build.
What a run does not measure, other cores and TFLite-Micro without TFLM_DIR, stays as the page of `--out` has it.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import target as targets
from artifact import Artifact, ImageFacts, NoFacts, sha256_of, write_atomic
from benchmarks.shapes import SHAPES, Shape, network, random_shapes
from benchmarks.suite import CORES
from compilers import tflm
from compilers.image import microcontroller
from compilers.tflm import firmware, tree
from cycles import rules
from errors import ConfigError
from graph.types import Graph
from graph.writer import write
from measure import modeled
from target import Target

CLIFF = 3.0
"""A layer is a cliff if it costs so many times the median of its kind."""


@dataclass(frozen=True)
class Costs:
    """A core's modeled cycles for each shape, in order: of our engine, and of TFLite-Micro if it is built."""

    core: str
    ours: tuple[int, ...]
    theirs: tuple[int, ...] | None


def measure(shapes: Sequence[Shape], board: Target, with_tflm: bool) -> list[Costs]:
    """Build the shapes for an emulated board and return their costs on each of its cores.

    Raises CompileError if it can't be built, DeviceError if it does not run.
    """
    graph = network(shapes)
    rng = np.random.default_rng(0)
    sizes = [graph.tensors[place].bytes for place in graph.inputs]
    data = rng.integers(-128, 128, sum(sizes)).astype(np.int8).tobytes()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shapes.tflite"
        path.write_bytes(write(graph))
        int8 = Artifact[object](path, "int8", "shapes", sha256_of(path), NoFacts())
        ours = _cycles(microcontroller.compile_for(int8, board), board, data, graph)
        theirs: Mapping[str, tuple[int, ...]] = {}
        if with_tflm:
            compiled = tflm.compile_for(int8)
            theirs = _cycles(firmware.build_for(compiled, tflm.model_of(compiled), board), board, data, graph)
    return [Costs(core, cycles, theirs.get(core)) for core, cycles in ours.items()]


def _cycles(image: Artifact[ImageFacts], board: Target, data: bytes, graph: Graph) -> dict[str, tuple[int, ...]]:
    found = modeled.by_layer(image, board, data, graph)
    by_core = {one.core: {layer.operator: layer.cycles for layer in one.layers} for one in found}
    return {core: tuple(cycles.get(i, 0) for i in range(len(graph.operators))) for core, cycles in by_core.items()}


def units(shapes: Sequence[Shape]) -> list[int]:
    """Return the multiply-accumulates of each layer, of a layer without filters the values that it reads."""
    graph = network(shapes)
    read = [graph.tensors[operator.inputs[0]].size for operator in graph.operators]
    return [graph.macs(operator) or size for operator, size in zip(graph.operators, read, strict=True)]


def table(shapes: Sequence[Shape], costs: Sequence[Costs]) -> str:
    """Return cycles per MAC as a Markdown table: ours / theirs for each core; bold where ours needs more."""
    cores = [one.core.removeprefix("cortex-").upper() for one in costs]
    lines = ["| layer | MACs | " + " | ".join(cores) + " |", "|---|---:|" + "---:|" * len(cores)]
    for place, (shape, macs) in enumerate(zip(shapes, units(shapes), strict=True)):
        cells = [_cell(one.ours[place], one.theirs[place] if one.theirs else None, macs) for one in costs]
        lines.append(f"| {shape} | {macs:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def page(shapes: Sequence[Shape], costs: Sequence[Costs]) -> str:
    """Return the table as a page, with what is worse than TFLite-Micro on each core, the worst first."""
    lines = [
        "# Layers of all shapes: modeled cycles per multiply-accumulate",
        "",
        "Ours / TFLite-Micro with CMSIS-NN, bold where ours needs more. A layer is named by its filter, its stride",
        "behind a /, its map, and channels in and out.",
        "`.venv/bin/python -m benchmarks.shape_costs --out benchmarks/results/shapes.md` with TFLM_DIR set;",
        f"rules {rules.VERSION} of docs/cycles.md.",
        "",
        table(shapes, costs),
        "",
        "## Where ours needs more",
        "",
    ]
    for one in costs:
        if one.theirs:
            pairs = zip(shapes, one.ours, one.theirs, strict=True)
            worse = sorted(
                ((ours / theirs, str(shape)) for shape, ours, theirs in pairs if ours > theirs), reverse=True
            )
            named = "; ".join(f"{name} ({ratio:.2f})" for ratio, name in worse) or "nothing"
            lines.append(f"- {one.core}, {len(worse)} of {len(shapes)}: {named}.")
    return "\n".join(lines) + "\n"


def _cell(ours: int, theirs: int | None, macs: int) -> str:
    text = f"{ours / macs:.2f}"
    if theirs is None:
        return text
    text = f"{text} / {theirs / macs:.2f}"
    return f"**{text}**" if ours > theirs else text


def kept(text: str, shapes: Sequence[Shape], measured: Sequence[Costs]) -> list[Costs]:
    """Return what was measured, and from a page what was not: other cores' cycles, and those of TFLite-Micro.

    These come from two decimals per MAC. Raises ConfigError if the page has other layers.
    """
    rows = [[cell.strip(" *") for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    if [row[0] for row in rows[2:]] != [str(shape) for shape in shapes]:
        raise ConfigError("--out: the page has other layers than benchmarks/shapes.py; measure all with TFLM_DIR set")
    by_core, macs = {one.core: one for one in measured}, units(shapes)
    found = []
    for column, name in enumerate(rows[0][2:], start=2):
        cells = [row[column].split(" / ") for row in rows[2:]]
        both = [[round(float(n) * m) for n in cell] for cell, m in zip(cells, macs, strict=True)]
        theirs = tuple(cell[1] for cell in both) if all(len(cell) == 2 for cell in both) else None
        core = f"cortex-{name.lower()}"
        own = by_core.pop(core, None) or Costs(core, tuple(cell[0] for cell in both), theirs)
        found.append(Costs(core, own.ours, own.theirs or theirs))
    return [*found, *by_core.values()]


def cliffs(shapes: Sequence[Shape], costs: Costs) -> list[str]:
    """Return a line for each layer that costs over CLIFF times the median of its kind per MAC, the dearest first."""
    each = [cycles / count for cycles, count in zip(costs.ours, units(shapes), strict=True)]
    kinds = [shape.kind + (" 1x1" if shape.kind == "conv" and shape.kernel == 1 else "") for shape in shapes]
    medians = {kind: statistics.median(e for e, k in zip(each, kinds, strict=True) if k == kind) for kind in kinds}
    found = sorted(
        ((one / medians[kind], shape, one, kind) for one, shape, kind in zip(each, shapes, kinds, strict=True)),
        key=lambda item: -item[0],
    )
    return [
        f"- {costs.core}: {shape}: {one:.2f} cycles, {times:.1f} times the median {medians[kind]:.2f} of {kind}"
        for times, shape, one, kind in found
        if times > CLIFF
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Modeled cycles per MAC of layers of all shapes.")
    parser.add_argument("--targets", default=",".join(CORES), help="emulated microcontrollers, joined by commas")
    parser.add_argument("--random", type=int, default=0, metavar="N", help="list the cliffs of N random layers instead")
    parser.add_argument("--seed", type=int, default=0, help="of the random layers")
    parser.add_argument("--out", type=Path, help="a Markdown file for the table")
    chosen = parser.parse_args()
    shapes = random_shapes(chosen.random, chosen.seed) if chosen.random else SHAPES
    costs: list[Costs] = []
    for name in chosen.targets.split(","):
        board = targets.load(name, "--targets")
        found = measure(shapes, board, not chosen.random and not tree.missing(board))
        costs += found
        if chosen.random:
            print("\n".join(line for one in found for line in cliffs(shapes, one)), flush=True)
    if not chosen.random:
        if chosen.out and chosen.out.exists():
            costs = kept(chosen.out.read_text(), shapes, costs)
        print(text := page(shapes, costs))
        if chosen.out:
            write_atomic(chosen.out, text)


if __name__ == "__main__":
    main()
