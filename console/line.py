"""A line for each step of the pipeline, and notes between them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.text import Text

from console.screen import LABEL_WIDTH, out
from console.text import clean, one_line


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
    with out.status(Text(f"{clean(label)} ...")):
        yield line
    seconds = time.monotonic() - begin if line.seconds is None else line.seconds
    ending = "reused" if line.reused else f"{seconds:.1f} s"
    label_text = (f"{clean(label):<{LABEL_WIDTH}}", "bold")
    out.print(Text.assemble(label_text, f" {one_line(line.text)}  ", (ending, "dim")))


def note(text: str) -> None:
    """Print a line that warns or explains."""
    out.print(Text.assemble(("note", "yellow"), f"       {one_line(text)}"))
