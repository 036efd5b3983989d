"""`inv bench-engines`: runs the suite, prints its table and writes its results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import console
from benchmarks import gate, suite, suite_page, suite_run
from errors import ConfigError, Error


def run(
    build: suite_run.Build,
    models: Sequence[str],
    targets: Sequence[str],
    classes: int,
    images: int,
    optimize: str,
    layers: bool,
    presets: bool,
    cycles: bool,
    update: bool,
    out: Path | None,
    json: bool,
    command: str,
) -> None:
    """Measure, print the table or JSON, write it; with --presets compare with the committed counts, or write those.

    `build` builds each network for each target.
    Raises ConfigError for a wrong option, Error where a preset has become slower or an output differs.
    """
    if update and not presets:
        raise ConfigError("--update: belongs to --presets, whose counts are committed")
    plan = suite_run.Plan(
        networks=models or suite.NETWORKS,
        targets=targets or suite.CORES,
        pictures=images,
        classes=None if presets else classes,
        optimize=optimize,
        layers=layers,
        cycles=cycles or presets,
        is_plain=presets,
    )
    cells, tools = suite_run.run(plan, build)
    if json:
        console.print_json(suite_page.form(cells, tools, command))
    else:
        console.say("")
        console.table("", *suite_page.rows(cells), drop=suite_page.DROPPED)
    if out or not (cycles or presets):
        console.say(f"\n{suite_page.write(cells, tools, command, out or suite.RESULTS_DIR)}")
    if update:
        console.say(f"\n{gate.write_counts(cells)}")
    elif presets:
        _check([cell for cell in cells if cell.network in suite.NETWORKS])


def _check(cells: list[suite.Cell]) -> None:
    ours = [cell for cell in cells if cell.engine == "aot"]
    if different := [cell for cell in ours if cell.equal != cell.pictures]:
        names = ", ".join(f"{cell.network} on {cell.target}" for cell in different)
        raise Error(f"{names}: outputs differ from LiteRT's reference kernels; fix the kernel or the planner")
    if slower := gate.slower(ours, gate.read_counts()):
        raise Error(f"{'; '.join(slower)}; fix it, or accept it with --update")
    console.say(f"\nno preset is slower than {gate.COUNTS_PATH.name} says")
