"""A line for each step of the pipeline, and notes between them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.markup import escape

from console.screen import LABEL_WIDTH, out


class Step:
    """One line of the pipeline's output. The body of `step` sets what it says."""

    def __init__(self) -> None:
        self.text = ""
        self.reused = False
        self.seconds: float | None = None
        """How long it took; None for as long as the body ran."""


@contextmanager
def step(label: str) -> Iterator[Step]:
    """Show a spinner while the body runs, then one line: what was done, and how long it took or that it was reused."""
    line, begin = Step(), time.monotonic()
    with out.status(f"{label} ..."):
        yield line
    seconds = time.monotonic() - begin if line.seconds is None else line.seconds
    ending = "[dim]reused[/dim]" if line.reused else f"[dim]{seconds:.1f} s[/dim]"
    out.print(f"[bold]{label:<{LABEL_WIDTH}}[/bold] {escape(line.text)}  {ending}")


def note(text: str) -> None:
    """Print a line that warns or explains."""
    out.print(f"[yellow]note[/yellow]       {escape(text)}")
