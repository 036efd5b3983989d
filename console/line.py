"""A line for each step of the pipeline, and notes between them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from console.screen import LABEL_WIDTH, on_terminal, out
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
    """Show a spinner and the elapsed time while the body runs, then one line.

    It has what was done, and how long it took or that it was reused.
    """
    line, begin = Step(), time.monotonic()
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as progress:
        progress.add_task(f"{one_line(label)} ...", total=None)
        yield line
    seconds = time.monotonic() - begin if line.seconds is None else line.seconds
    ending = "reused" if line.reused else f"{seconds:.1f} s"
    begin = max(LABEL_WIDTH, len(clean(label))) + 1
    said = on_terminal(f"{one_line(line.text)}  {ending}", LABEL_WIDTH + 1, begin)
    text = Text.assemble((f"{clean(label):<{LABEL_WIDTH}}", "bold"), " ", said)
    text.stylize("dim", len(text) - len(ending))
    out.print(text)


def note(text: str) -> None:
    """Print a line that warns or explains."""
    out.print(Text.assemble(("note", "yellow"), f"       {on_terminal(one_line(text), LABEL_WIDTH + 1)}"))
