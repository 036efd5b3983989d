"""`inv bench-engines`: reads its options, runs the suite, prints and writes what it gave."""

from __future__ import annotations

from pathlib import Path

import console
from benchmarks import suite, suite_run
from errors import ConfigError, Error


def run(
    models: str | None,
    targets: str | None,
    classes: int,
    images: str,
    optimize: str,
    layers: bool,
    presets: bool,
    update: bool,
    out: str | None,
    command: str,
) -> None:
    """Measure, print the table and write it, or for --presets compare with the committed counts or write those.

    Raises ConfigError for a wrong option, Error where a preset has become slower or an output differs.
    """
    if update and not presets:
        raise ConfigError("--update: belongs to --presets, whose counts are committed")
    if not images.isdigit() or not int(images):
        raise ConfigError(f"--images {images}: expected a number from 1 up")
    plan = suite_run.Plan(
        networks=models.split(",") if models else suite.SHIPPED if presets else suite.NETWORKS,
        targets=targets.split(",") if targets else suite.CORES,
        pictures=int(images),
        classes=None if presets else classes,
        optimize=optimize,
        layers=layers,
    )
    cells, tools = suite_run.run(plan)
    print()
    console.table("", *suite.rows(cells))
    if not presets:
        print(f"\n{suite.write(cells, tools, command, Path(out) if out else suite.RESULTS_DIR)}")
    elif update:
        print(f"\n{suite.write_counts(cells)}")
    else:
        _check(cells)


def _check(cells: list[suite.Cell]) -> None:
    ours = [cell for cell in cells if cell.engine == "aot"]
    if found := suite.slower(ours, suite.read_counts()):
        raise Error(f"{'; '.join(found)}; mend it, or accept it with --update")
    print(f"\nno preset is slower than {suite.COUNTS_PATH.name} says")
