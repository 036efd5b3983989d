"""A bar for the wait for something that is not ours to hurry, such as a board that another has."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column

from console.bar import PROGRESS_LINES
from console.screen import LABEL_WIDTH, out
from console.text import one_line


@contextmanager
def waiting(label: str, limit_s: float) -> Iterator[Callable[[str], None]]:
    """Yield a function that is called with what is waited for; from the first call on a bar is shown, up to the limit.

    Where there is no terminal, each text is a line when it changes.
    """
    begin, last = time.monotonic(), ""
    is_bar = out.is_terminal and not os.environ.get(PROGRESS_LINES)
    text_column = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis"))
    columns = (BarColumn(bar_width=20), TimeElapsedColumn(), text_column)
    with Progress(*columns, console=out, transient=True, disable=not is_bar) as progress:
        task = progress.add_task("", total=limit_s or None, visible=False)

        def show(text: str) -> None:
            nonlocal last
            line = f"{one_line(label):<{LABEL_WIDTH}} {one_line(text)}"
            if is_bar:
                progress.update(task, completed=time.monotonic() - begin, description=line, visible=True)
            elif line != last:
                out.print(line, markup=False, highlight=False)
            last = line

        yield show
