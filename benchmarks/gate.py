"""The shipped presets' modeled cycles, which must not grow: the committed figures, and what is above them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from artifact import write_atomic
from benchmarks.suite import RESULTS_DIR, Cell
from fields import Source, load_json
from fields.dataclass_json import from_json, to_json

COUNTS_PATH = RESULTS_DIR / "shipped_presets.json"
TOLERANCE = 0.001


@dataclass(frozen=True)
class Count:
    """What one preset needs on one core. Where there are no rules for cycles, instructions are compared."""

    instructions: int
    cycles: int | None = None
    cycle_rules: int | None = None


Counts = Mapping[str, Mapping[str, Count]]
"""Counts by core and preset."""


def read_counts(path: Path = COUNTS_PATH) -> dict[str, dict[str, Count]]:
    """Return the committed counts by core and preset. Raises ConfigError if the file is missing or wrong."""
    source = Source(str(path), next_step="write it with `inv bench-engines --presets --update`")
    try:
        cores = load_json(path.read_bytes(), source)
    except OSError as e:
        raise source.wrong(f"can't be read ({e.strerror})") from e
    presets = {core: cores.table(core).values for core in cores.values}
    return {
        core: {preset: from_json(Count, count, source) for preset, count in counts.items()}
        for core, counts in presets.items()
    }


def write_counts(cells: Sequence[Cell], path: Path = COUNTS_PATH) -> Path:
    """Write the cells' counts into the file, which keeps its other cores; return its path."""
    counts = read_counts(path) if path.is_file() else {}
    for cell in cells:
        if cell.instructions and cell.engine == "aot":
            counts.setdefault(cell.core, {})[cell.network] = Count(cell.instructions, cell.cycles, cell.cycle_rules)
    form = {core: {preset: to_json(count) for preset, count in presets.items()} for core, presets in counts.items()}
    write_atomic(path, json.dumps(form, indent=1, sort_keys=True) + "\n")
    return path


def slower(cells: Sequence[Cell], counts: Counts) -> list[str]:
    """Return a line for each cell that needs over 0.1 % more than is committed, or is not in the file."""
    return [f"{cell.network} on {cell.core}: {problem}" for cell in cells if (problem := _problem(cell, counts))]


def _problem(cell: Cell, counts: Counts) -> str:
    known = counts.get(cell.core, {}).get(cell.network)
    if cell.problem or cell.instructions is None:
        return cell.problem or "not measured"
    if known is None:
        return f"not in {COUNTS_PATH.name}"
    if cell.cycle_rules != known.cycle_rules:
        return f"cycles by rules {cell.cycle_rules}, committed are those by rules {known.cycle_rules}"
    unit, now, before = "instructions", cell.instructions, known.instructions
    if cell.cycles is not None and known.cycles is not None:
        unit, now, before = "modeled cycles", cell.cycles, known.cycles
    if now <= before * (1 + TOLERANCE):
        return ""
    return f"{now:,} {unit}, {100 * (now / before - 1):.2f} % over {before:,}"
