"""What a person sees while the pipeline works: a line for each step, a bar for what takes long."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from compilers.edgetpu.check import Check
from compilers.image.fit import Fit
from models import explain as explain_tables
from models.explain import Summary
from models.presets import Preset
from target import Target

out = Console(highlight=False, soft_wrap=True)
LABEL_WIDTH = 10
PROGRESS_LINES = "ALPHARHO_PROGRESS_LINES"
"""Environment variable with which a run says as lines what its bars would show: another program reads them."""
LINE_EVERY_S = 2.0


class Step:
    """One line of the pipeline's output; what it says is set while it is done."""

    def __init__(self) -> None:
        self.text = ""
        self.reused = False
        self.seconds: float | None = None
        """How long it took; None for as long as the body ran."""


@contextmanager
def step(label: str) -> Iterator[Step]:
    """Show a spinner while the body runs, then one line: what was done, how long it took or that it was reused."""
    line, begin = Step(), time.monotonic()
    with out.status(f"{label} ..."):
        yield line
    seconds = time.monotonic() - begin if line.seconds is None else line.seconds
    ending = "[dim]reused[/dim]" if line.reused else f"[dim]{seconds:.1f} s[/dim]"
    out.print(f"[bold]{label:<{LABEL_WIDTH}}[/bold] {line.text}  {ending}")


@contextmanager
def bar(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a progress bar that is gone when the body ends; the body calls what it is given with the count done."""
    columns = (
        TextColumn(f"[bold]{label:<{LABEL_WIDTH}}[/bold]"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    if os.environ.get(PROGRESS_LINES):
        yield _progress_lines(label, total)
        return
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as progress:
        task = progress.add_task(label, total=total)
        yield lambda done: progress.update(task, completed=done)


def _progress_lines(label: str, total: int) -> Callable[[int], None]:
    said = 0.0

    def say(done: int) -> None:
        nonlocal said
        if time.monotonic() - said >= LINE_EVERY_S:
            said = time.monotonic()
            out.print(f"{label:<{LABEL_WIDTH}} {done} of {total}")

    return say


def note(text: str) -> None:
    """Print a line that warns or explains."""
    out.print(f"[yellow]note[/yellow]       {text}")


def table(title: str, columns: list[tuple[str, str]], rows: list[list[str]]) -> None:
    """Print a table. `columns` are (heading, "left" or "right")."""
    grid = Table(title=title or None, title_justify="left", header_style="bold", box=None, pad_edge=False)
    grid.show_header = any(heading for heading, _ in columns)
    for heading, side in columns:
        grid.add_column(heading, justify="right" if side == "right" else "left", no_wrap=True)
    for row in rows:
        grid.add_row(*row)
    # A narrow terminal wraps lines; cutting names would lose them.
    needed = Measurement.get(out, out.options.update(max_width=1000), grid).maximum
    Console(width=max(out.width, needed), highlight=False).print(grid, crop=False)


def report(rows: list[tuple[str, str]], path: Path) -> None:
    """Print a report as a table, and where it is."""
    out.print()
    table("", [("", "left"), ("", "left")], [[f"[bold]{escape(label)}[/bold]", escape(text)] for label, text in rows])
    out.print(f"\n{path}")


def targets(boards: list[Target], as_json: bool) -> None:
    """Print the boards."""
    if as_json:
        print(json.dumps([asdict(board) for board in boards], indent=1))
        return
    columns = [("target", "left"), ("where", "left"), ("engine", "left"), ("", "left")]
    table("", columns, [[b.name, b.measured_on, b.engine, b.description] for b in boards])


def models(found: list[Summary], as_json: bool) -> None:
    """Print the networks with their totals."""
    if as_json:
        print(json.dumps([asdict(row) for row in found], indent=1))
        return
    names = ("preset", "network", "α", "ρ", "layers", "parameters", "MACs", "int8 bytes", "peak activations, bytes")
    columns = [(name, "left" if i < 2 else "right") for i, name in enumerate(names)]
    rows = [
        [m.name, m.network, f"{m.alpha:g}", str(m.rho)]
        + [f"{n:,}" for n in (m.layers, m.parameters, m.macs, m.int8_bytes, m.peak_activation_bytes)]
        for m in found
    ]
    table("", columns, rows)
    out.print("\n[dim]peak activations: input and output of each layer apart, none over another[/dim]")


def explain(preset: Preset, as_json: bool) -> None:
    """Print a network layer by layer, then its totals."""
    if as_json:
        print(json.dumps(explain_tables.as_json(preset), indent=1))
        return
    names = ("layer", "operator", "stride", "filter", "input", "parameters", "MACs", "cost")
    columns = [(name, "left" if i in (0, 1, 3, 4) else "right") for i, name in enumerate(names)]
    rows = [
        [r.layer, r.operator, str(r.stride or ""), r.filter, r.input, _or_blank(r.parameters), _or_blank(r.macs)]
        + [f"{r.cost:.4f}" if r.cost else ""]
        for r in explain_tables.rows(preset)
    ]
    total = explain_tables.summarize(preset)
    table(f"{total.network}, α {total.alpha:g}, ρ {total.rho}, {preset.classes:,} classes\n", columns, rows)
    out.print(
        f"\n{total.layers} layers ({explain_tables.what_is_counted(preset)})\n{total.parameters:,} parameters, "
        f"{total.macs:,} MACs, {total.int8_bytes:,} bytes of int8 weights and int32 biases, "
        f"{total.peak_activation_bytes:,} bytes of activations at the peak\n"
        "cost: MACs of a depthwise convolution and the pointwise one after it, over those of one standard convolution"
    )


def fits(found: dict[str, dict[str, Fit]], as_json: bool) -> None:
    """Print what a network needs on each board with each `--optimize`, in bytes, and whether it fits."""
    if as_json:
        plain = {
            name: {aim: asdict(fit) | {"fits": fit.fits} for aim, fit in aims.items()} for name, aims in found.items()
        }
        print(json.dumps(plain, indent=1))
        return
    names = ("board", "--optimize", "fits", "arena", "RAM needed", "of", "weights", "flash needed", "of")
    columns = [(name, "left" if i < 3 else "right") for i, name in enumerate(names)]
    rows = [
        ["" if i else name, aim, "yes" if f.fits else "[red]no[/red]"]
        + [f"{n:,}" for n in (f.arena_bytes, f.ram_needed, f.ram_bytes, f.weights_bytes, f.flash_needed, f.flash_bytes)]
        for name, aims in found.items()
        for i, (aim, f) in enumerate(aims.items())
    ]
    table("", columns, rows)
    for peak in dict.fromkeys(f.peak for aims in found.values() for f in aims.values()):
        out.print(f"\nthe arena's peak is {peak}")
    out.print("[dim]bytes; the share of the firmware itself is an estimate, the linker has the last word[/dim]")


def edgetpu_check(found: Check, minimalistic_twin: str) -> None:
    """Print what will become of each kind of operator on an Edge TPU, and what the user can do about it."""
    columns = [("operator", "left"), ("count", "right"), ("first", "right"), ("runs on", "left"), ("why", "left")]
    rows = [
        [operator, str(count), str(first), "[red]CPU[/red]" if why else "Edge TPU", escape(why)]
        for operator, count, first, why in found.groups()
    ]
    table("", columns, rows)
    if found.has_hard_swish or found.has_squeeze_excite:
        parts = [("h-swish", found.has_hard_swish), ("squeeze-and-excite", found.has_squeeze_excite)]
        what = " and ".join(name for name, there in parts if there)
        other = (
            f"its minimalistic twin {minimalistic_twin} has" if minimalistic_twin else "minimalistic V3 networks have"
        )
        note(f"the network has {what}, for which the Edge TPU is slow or not used at all; {other} neither")
    if found.is_streamed:
        note(
            f"{found.parameter_bytes:,} bytes of parameters are over what the chip holds: it is sent the rest each time"
        )
    if found.may_differ:
        note(f"{', '.join(found.may_differ)}: the compiler leaves some of them on the CPU, depending on their size")
    if found.refused:
        note(found.refused)


def _or_blank(number: int) -> str:
    return f"{number:,}" if number else ""
