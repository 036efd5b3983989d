"""All networks on all cores with all engines in one run: instructions and memory, as a table to publish.

Emulated cores count instructions, not time. Each cell is an image built, started and run on pictures, its outputs
compared with LiteRT's reference kernels.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from artifact import ROOT, Artifact, ImageFacts, write_atomic
from calibration.evaluate import Values
from deploy.device import device_for
from fields.dataclass_json import to_json
from measure import figures, samples
from measure.layers import LayerCount
from target import Target

NETWORKS = ("v1_025", "v2_035", "v3sm_075", "v3s_075")
CORES = ("qemu-m0", "qemu-m3", "qemu-m4", "qemu-m33", "qemu-m7", "qemu-m55")
RESULTS_DIR = ROOT / "benchmarks" / "results"
COUNTS_PATH = RESULTS_DIR / "shipped_presets.json"
TOLERANCE = 0.001
SCHEMA = 2


@dataclass(frozen=True)
class Cell:
    """One network on one core with one engine: `instructions` is the median over the pictures, `memory` bytes by name.

    `cycles` are modeled, by the rules of version `cycle_rules`. `equal` of the `pictures` had the reference's output.
    `problem` says why there are no figures, such as that it does not fit. What was not measured is None.
    """

    network: str
    target: str
    core: str
    engine: str
    kernels: str | None = None
    instructions: int | None = None
    memory: Mapping[str, int] | None = None
    pictures: int | None = None
    equal: int | None = None
    problem: str | None = None
    layers: tuple[LayerCount, ...] | None = None
    cycles: int | None = None
    cycle_rules: int | None = None


@dataclass(frozen=True)
class Results:
    """What engines.json holds: all cells, the command that measured them, and the versions of its tools."""

    schema: int
    command: str
    tools: Mapping[str, str]
    cells: tuple[Cell, ...]


def measure_cell(
    network: str,
    target: Target,
    engine: str,
    image: Artifact[ImageFacts],
    inputs: Values,
    reference: Values,
) -> Cell:
    """Run an image on the inputs (n, h, w, c) and return its cell."""
    outputs = samples.Outputs(np.zeros_like(reference), [])
    with device_for(target, image).session() as session:
        samples.run_all(session, inputs, outputs)
        info = session.info
        memory = figures.memory(info, session.stats(), image.facts.memory)
    exact = figures.exactness(outputs.raw, reference, "")
    return Cell(
        network,
        target.name,
        target.cpu,
        engine,
        info.kernels,
        round(statistics.median(outputs.times)),
        memory,
        exact.n,
        exact.equal,
    )


def write(cells: Sequence[Cell], tools: Mapping[str, str], command: str, folder: Path = RESULTS_DIR) -> Path:
    """Write engines.json and engines.md into a folder; return the path of the second."""
    form = to_json(Results(SCHEMA, command, tools, tuple(cells)))
    write_atomic(folder / "engines.json", json.dumps(form, indent=1) + "\n")
    path = folder / "engines.md"
    write_atomic(path, markdown(cells, tools, command))
    return path


def rows(cells: Sequence[Cell]) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Return columns and rows of the table, a cell in a row."""
    names = (
        "network", "core", "engine", "instructions", "modeled cycles", "arena", "RAM", "stack used", "code", "weights",
        "equal",
    )  # fmt: skip
    columns = [(name, "left" if i < 3 else "right") for i, name in enumerate(names)]
    return columns, [_row(cell) for cell in cells]


def _row(cell: Cell) -> list[str]:
    head = [cell.network, cell.core, f"{cell.engine}, {cell.kernels}" if cell.kernels else cell.engine]
    if cell.memory is None:
        return [*head, cell.problem or "", *[""] * 7]
    memory = cell.memory
    code_bytes = memory.get("code", 0) + memory.get("constants", 0)
    sizes = (memory.get("arena_used", memory["arena"]), memory.get("ram", 0), memory.get("stack_used", 0))
    numbers = (cell.instructions or 0, cell.cycles, *sizes, code_bytes, memory.get("weights", 0))
    texts = ("" if number is None else f"{number:,}" for number in numbers)
    return [*head, *texts, f"{cell.equal} of {cell.pictures}"]


def markdown(cells: Sequence[Cell], tools: Mapping[str, str], command: str) -> str:
    """Return the results as a Markdown page."""
    columns, table = rows(cells)
    lines = [
        "# Engines, networks, cores",
        "",
        "Instructions of one inference as QEMU counts them, and cycles by the rules of docs/cycles.md: a model, with",
        "memory that does not wait, not a measurement. Sizes in bytes. The arena holds the activations and the input.",
        "Code includes constants, not weights. Equal: outputs that equal those of LiteRT's reference kernels.",
        "",
        "| " + " | ".join(name for name, _ in columns) + " |",
        "|" + "|".join("---" if side == "left" else "---:" for _, side in columns) + "|",
    ]
    lines += ["| " + " | ".join(row) + " |" for row in table]
    for cell in cells:
        lines += _layer_lines(cell)
    lines += ["", f"`{command}`", ""]
    lines += [f"- {name}: {version}" for name, version in sorted(tools.items())]
    return "\n".join(lines) + "\n"


def _layer_lines(cell: Cell) -> list[str]:
    if not cell.layers:
        return []
    lines = [
        "",
        f"## {cell.network}, {cell.core}, {cell.engine}",
        "",
        "| layer | MACs | instructions | instructions per MAC |",
        "|---|---:|---:|---:|",
    ]
    for layer in cell.layers:
        each = f"{layer.instructions / layer.macs:.2f}" if layer.macs else ""
        lines.append(f"| {layer.name} | {layer.macs:,} | {layer.instructions:,} | {each} |")
    return lines
