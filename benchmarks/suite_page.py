"""The suite's results as files: engines.json for programs, engines.md for people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from artifact import write_atomic
from benchmarks.goals import RATIOS, REASONS, RIVALS
from benchmarks.suite import RESULTS_DIR, SCHEMA, Cell, Results
from cycles import rules
from fields import Json
from fields.dataclass_json import to_json

OURS, THEIRS = "aot", "tflm"
DROPPED = (10, 9, 8, 6, 11, 5, 7, 2)
"""Columns of `rows` that a narrow terminal does without, the least needed first."""
WAKE_WORDS = "mlperf_vww_96_int8"


def form(cells: Sequence[Cell], tools: Mapping[str, str], command: str) -> Json:
    """Return what engines.json holds: schemas/bench-engines.schema.json."""
    return to_json(Results(SCHEMA, command, tools, tuple(cells)))


def write(cells: Sequence[Cell], tools: Mapping[str, str], command: str, folder: Path = RESULTS_DIR) -> Path:
    """Write engines.json and engines.md into a folder; return the path of the second."""
    write_atomic(folder / "engines.json", json.dumps(form(cells, tools, command), indent=1) + "\n")
    path = folder / "engines.md"
    write_atomic(path, markdown(cells, tools, command))
    return path


def rows(cells: Sequence[Cell]) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Return columns and rows of the table, a cell in a row."""
    names = (
        "network", "core", "engine", "instructions", "modeled cycles", "of tflm's", "arena", "RAM", "stack used",
        "code", "weights", "equal",
    )  # fmt: skip
    columns = [(name, "left" if i < 3 else "right") for i, name in enumerate(names)]
    theirs = {(cell.network, cell.core): cell for cell in cells if cell.engine == THEIRS}
    return columns, [_row(cell, theirs.get((cell.network, cell.core))) for cell in cells]


def _row(cell: Cell, theirs: Cell | None) -> list[str]:
    head = [cell.network, cell.core, f"{cell.engine}, {cell.kernels}" if cell.kernels else cell.engine]
    if cell.memory is None:
        return [*head, cell.problem or "", *[""] * 8]
    memory = cell.memory
    code_bytes = memory.get("code", 0) + memory.get("constants", 0)
    sizes = (memory.get("arena_used", memory["arena"]), memory.get("ram", 0), memory.get("stack_used"))
    numbers = (*sizes, code_bytes, memory.get("weights", 0))
    texts = ("" if number is None else f"{number:,}" for number in numbers)
    cycles = "" if cell.cycles is None else f"{cell.cycles:,}"
    part = ratio(cell, theirs) if cell.engine == OURS else None
    times = [f"{cell.instructions or 0:,}", cycles, "" if part is None else f"{part:.2f}"]
    return [*head, *times, *texts, f"{cell.equal} of {cell.pictures}"]


def ratio(ours: Cell, theirs: Cell | None) -> float | None:
    """Return our modeled cycles over those of TFLite-Micro, None where one of them is not modeled."""
    if theirs is None or not ours.cycles or not theirs.cycles or ours.cycle_rules != theirs.cycle_rules:
        return None
    return ours.cycles / theirs.cycles


def markdown(cells: Sequence[Cell], tools: Mapping[str, str], command: str) -> str:
    """Return the results as a Markdown page."""
    columns, table = rows(cells)
    lines = [
        "# Engines, networks, cores",
        "",
        f"Cycles are modeled by rules {rules.VERSION} of docs/cycles.md, not measured. They leave out",
        f"{', '.join(rules.LEFT_OUT[:-1])} and {rules.LEFT_OUT[-1]}.",
        "Instructions are of one inference, as QEMU counts them. Sizes in bytes. The arena holds the activations and",
        "the input. Code includes constants, not weights. Equal: outputs equal to those of LiteRT's reference kernels.",
        *_against(cells),
        *_rivals(cells),
        "",
        "## All figures",
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


def _against(cells: Sequence[Cell]) -> list[str]:
    """Return the table of ratios, a network in a row; none where TFLite-Micro was not measured."""
    by_place = {(cell.network, cell.core, cell.engine): cell for cell in cells if cell.cycles}
    cores = list(dict.fromkeys(core for _, core, engine in by_place if engine == THEIRS))
    if not cores:
        return []
    lines = [
        "",
        "## Our engine against TFLite-Micro with CMSIS-NN",
        "",
        "Modeled cycles in millions, ours / theirs, and the ratio: below 1 ours needs fewer.",
        "",
        "| network | " + " | ".join(map(_short, cores)) + " |",
        "|---|" + "---:|" * len(cores),
    ]
    for network in dict.fromkeys(cell.network for cell in cells):
        pairs = [[by_place.get((network, core, engine)) for engine in (OURS, THEIRS)] for core in cores]
        lines.append(f"| {network} | " + " | ".join(_pair(*pair) for pair in pairs) + " |")
    return lines + _short_of_goals(cells)


def above_goals(cells: Sequence[Cell]) -> list[tuple[Cell, float]]:
    """Return our cells whose ratio to TFLite-Micro is above that of RATIOS when rounded as shown, and the ratios."""
    theirs = {(cell.network, cell.core): cell for cell in cells if cell.engine == THEIRS}
    ours = [(cell, ratio(cell, theirs.get((cell.network, cell.core)))) for cell in cells if cell.engine == OURS]
    return [(cell, part) for cell, part in ours if part is not None and round(part, 2) > RATIOS.get(cell.core, 1.0)]


def _short_of_goals(cells: Sequence[Cell]) -> list[str]:
    """Return why ratios are above their goals, by reason."""
    by_reason: dict[str, list[str]] = {}
    for cell, part in above_goals(cells):
        reason = REASONS.get((cell.network, cell.core), "")
        by_reason.setdefault(reason, []).append(f"{cell.network} on {_short(cell.core)} {part:.2f}")
    goals = ", ".join(f"{goal:.2f} ({_short(core)})" for core, goal in RATIOS.items())
    if not by_reason:
        return ["", f"The goal is a ratio of at most {goals}. None is above it."]
    lines = ["", f"The goal is a ratio of at most {goals}. Above it are:", ""]
    return lines + [f"- {', '.join(above)}. {reason}".rstrip() for reason, above in by_reason.items()]


def _short(core: str) -> str:
    return core.removeprefix("cortex-").upper()


def _rivals(cells: Sequence[Cell]) -> list[str]:
    """Return the table of the wake words against goals and what others need; none where they were not measured."""
    ours = {cell.core: cell for cell in cells if cell.network == WAKE_WORDS and cell.engine == OURS and cell.cycles}
    if not ours:
        return []
    lines = [
        "",
        "## Visual wake words against other engines on boards",
        "",
        "Ours are modeled, with flash that does not wait; others' are measured by their makers. A board that runs from",
        "flash needs 1.15 to 1.25 times the modeled figure. Half of the network's MACs have no effect, and ours leave",
        "them out. docs/cycles.md says what they would cost, where the cycles are, and what `--optimize speed` takes.",
        "",
        "| core | ours | goal | others, on a board |",
        "|---|---:|---:|---|",
    ]
    for core, rival in RIVALS.items():
        if core in ours:
            limit = f"{rival.at_most / 1e6:.1f} M" if rival.at_most else ""
            lines.append(f"| {core} | {(ours[core].cycles or 0) / 1e6:.2f} M | {limit} | {rival.others} |")
    return lines


def _pair(ours: Cell | None, theirs: Cell | None) -> str:
    if ours is None or theirs is None or (part := ratio(ours, theirs)) is None:
        return ""
    return f"{(ours.cycles or 0) / 1e6:.2f} / {(theirs.cycles or 0) / 1e6:.2f} = **{part:.2f}**"


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
