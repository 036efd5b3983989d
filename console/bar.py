"""A bar for what takes long, or lines of progress for a program that reads them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from console.screen import LABEL_WIDTH, out
from console.text import one_line

PROGRESS_LINES = "ALPHARHO_PROGRESS_LINES"
"""Environment variable with which progress is printed as lines instead of bars, for a program that reads them."""
LINE_EVERY_S = 2.0


@contextmanager
def bar(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a progress bar until the body ends; the body calls the function it gets with the count done so far."""
    columns = (
        TextColumn("{task.description}", style="bold", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    if os.environ.get(PROGRESS_LINES):
        yield _progress_lines(label, total)
        return
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as progress:
        task = progress.add_task(f"{one_line(label):<{LABEL_WIDTH}}", total=total)
        yield lambda done: progress.update(task, completed=done)


@contextmanager
def status_bar(label: str, total: int) -> Iterator[Callable[[int, str], None]]:
    """Show a progress bar and a text behind it until the body ends; the body says both."""
    columns = (
        TextColumn("{task.description}", style="bold", markup=False),
        BarColumn(20),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}", markup=False),
    )
    if os.environ.get(PROGRESS_LINES):
        show = _progress_lines(label, total)
        yield lambda done, text: show(done)
        return
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as progress:
        task = progress.add_task(f"{one_line(label):<{LABEL_WIDTH}}", total=total, text="")
        yield lambda done, text: progress.update(task, completed=done, text=one_line(text))


@contextmanager
def percent_bar(label: str) -> Iterator[Callable[[float], None]]:
    """Show a bar and the elapsed time until the body ends; it moves once the body says how many percent are done."""
    columns = (
        TextColumn("{task.description}", style="bold", markup=False),
        SpinnerColumn(),
        BarColumn(),
        TextColumn("{task.fields[done]}", markup=False),
        TimeElapsedColumn(),
    )
    if os.environ.get(PROGRESS_LINES):
        show = _progress_lines(label, 100)
        yield lambda percent: show(round(percent))
        return
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as progress:
        task = progress.add_task(f"{one_line(label):<{LABEL_WIDTH}}", total=None, done="")
        yield lambda percent: progress.update(task, total=100, completed=percent, done=f"{percent:.0f} %")


def _progress_lines(label: str, total: int) -> Callable[[int], None]:
    printed = 0.0

    def show(done: int) -> None:
        nonlocal printed
        if time.monotonic() - printed >= LINE_EVERY_S:
            printed = time.monotonic()
            out.print(f"{one_line(label):<{LABEL_WIDTH}} {done} of {total}")

    return show
