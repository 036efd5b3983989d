"""Several devices side by side: a run of `inv` for each, a line of progress for each, and a table of the results."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.live import Live
from rich.table import Table
from rich.text import Text

import console
import process
from artifact import ROOT
from deploy.bench_file import links_of
from deploy.lab.address import is_lab
from errors import ConfigError, Error
from measure import report_file
from measure.report import Report

END_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Unit:
    """One device: its target, its link if it was named, and the name under which its report is kept."""

    target: str
    link: str | None
    name: str


def units(targets: str, links: str | None) -> list[Unit]:
    """Return the devices that --target and --link mean, each a list joined by commas; one for most runs.

    A target without --link has the units of bench.toml, or one. Raises ConfigError if several of each are given, or one
    device twice.
    """
    target_names, own_links = _split(targets, "--target"), _split(links, "--link") if links else []
    if len(target_names) > 1 and own_links:
        raise ConfigError("--link: give it with one target; several targets have theirs in bench.toml")
    devices: list[Unit] = []
    for name in target_names:
        places: Sequence[str | None] = own_links or links_of(name) or [None]
        several = len(places) > 1
        devices += [Unit(name, link, f"{name}@{_place(link)}" if several and link else name) for link in places]
    names = [unit.name for unit in devices]
    twice = sorted(name for name in names if names.count(name) > 1)
    if twice:
        raise ConfigError(f"{twice[0]}: is given twice; name each device once")
    return devices


def run(
    devices: Sequence[Unit],
    task: str,
    options: Mapping[str, Mapping[str, str | bool]],
    show: Callable[[Sequence[Unit]], None],
) -> None:
    """Run a task of `inv` for each device at the same time; let `show` print what came of those that did not fail.

    `options` are those of each target, by name without dashes: the text, or True for a flag. One that fails does not
    stop the others. Raises Error naming those that failed, KeyboardInterrupt after all ended.
    """
    lines: queue.Queue[tuple[str, str]] = queue.Queue()
    running = {unit.name: _start(unit, task, options[unit.target]) for unit in devices}
    readers = [threading.Thread(target=_read, args=(name, p, lines), daemon=True) for name, p in running.items()]
    for reader in readers:
        reader.start()
    last = dict.fromkeys(running, "starting")
    try:
        with Live(_table(last), console=console.out, refresh_per_second=4) as live:
            while any(reader.is_alive() for reader in readers) or not lines.empty():
                try:
                    name, last_line = lines.get(timeout=0.2)
                except queue.Empty:
                    continue
                last[name] = last_line
                live.update(_table(last))
                if not console.out.is_terminal:
                    console.say(f"{name}: {last_line}")
    finally:
        for child in running.values():  # Ctrl-C reached them as well: they keep what they have measured
            process.stop(child, END_TIMEOUT_S)
    failed = [name for name, child in running.items() if child.returncode]
    show([_as_reported(unit, last[unit.name]) for unit in devices if unit.name not in failed])
    if failed:
        reasons = "; ".join(f"{name}: {last[name].removeprefix('error: ')}" for name in failed)
        raise Error(f"{len(failed)} of {len(devices)} devices failed: {reasons}")


def _start(unit: Unit, task: str, options: Mapping[str, str | bool]) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(ROOT / "tasks.py"), task, f"--target={unit.target}"]
    command += [f"--link={unit.link}"] if unit.link else []
    # In a lab the report is kept under the name of the place that is given.
    command += [f"--unit={unit.name}"] if unit.name != unit.target and not is_lab(unit.link) else []
    for name, value in options.items():
        option = f"--{name.rstrip('_').replace('_', '-')}"
        command += [option] if value is True else [f"{option}={value}"]
    environment = {**os.environ, console.PROGRESS_LINES: "1", "COLUMNS": "300"}
    return process.start(
        command, error=Error, environment=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        own_session=False,
    )  # fmt: skip


def _read(name: str, child: subprocess.Popen[bytes], lines: queue.Queue[tuple[str, str]]) -> None:
    assert child.stdout is not None
    with open(child.stdout.fileno(), errors="replace", closefd=False) as output:
        for line in output:
            if line.strip():
                lines.put((name, " ".join(line.split())))
    child.wait()


def _table(last: Mapping[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, line in last.items():
        table.add_row(Text(console.clean(name), "bold"), Text(console.clean(line[:200])))
    return table


def _as_reported(unit: Unit, last_line: str) -> Unit:
    """Return a unit under the name of its report: in a lab that is known when a place was given, and printed last."""
    path = Path(last_line)
    if not is_lab(unit.link) or path.name != report_file.COMPLETE:
        return unit
    return replace(unit, name=path.parent.parent.name)


def print_reports(done: Sequence[Unit], model: str) -> None:
    """Print a table of the reports of a model: a row for each device that has one."""
    columns = [
        ("device", "left"),
        ("median", "right"),
        ("top-1", "right"),
        ("equal to the host", "right"),
        ("report", "left"),
    ]
    rows = []
    for unit in done:
        path = report_file.folder(unit.name, Path(model).stem) / "report.json"
        try:
            rows.append(_row(unit, report_file.read(path), path))
        except Error:
            continue
    if rows:
        console.out.print()
        console.table("", columns, rows, drop=(4,))


def _row(unit: Unit, measured: Report, path: Path) -> list[str]:
    latency, accuracy, exact = measured.latency, measured.accuracy, measured.exactness
    median = ""
    if latency:
        is_time = latency.unit == "us"
        median = f"{latency.median / 1000:.3f} ms" if is_time else f"{latency.median:,.0f} {latency.unit}"
    is_other = measured.device is not None and measured.device.mismatches
    return [
        f"{unit.name} (measured on another board)" if is_other else unit.name,
        median,
        f"{100 * accuracy.top1:.2f} %" if accuracy else "",
        f"{exact.equal:,} of {exact.n:,}" if exact else "",
        str(path),
    ]


def _split(text: str, option: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise ConfigError(f"{option} {text}: expected names joined by commas")
    return names


def _place(link: str) -> str:
    """Return a link as a part of a file's name."""
    return "".join(c if c.isalnum() or c in ".-" else "_" for c in link.partition("://")[2].partition("?")[0])
