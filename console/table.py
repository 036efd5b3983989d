"""Tables. Who shows one lays it out: columns as (heading, "left" or "right"), and rows of text."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from console.screen import out
from console.text import clean

Columns = Sequence[tuple[str, str]]
Rows = Sequence[Sequence[str]]


def table(title: str, columns: Columns, rows: Rows, red: Collection[str] = (), bold_first: bool = False) -> None:
    """Print a table. Cells that are one of `red` are shown in red, the first column in bold with `bold_first`."""
    grid = Table(
        title=Text(clean(title)) if title else None, title_justify="left", header_style="bold", box=None, pad_edge=False
    )
    grid.show_header = any(heading for heading, _ in columns)
    for place, (heading, side) in enumerate(columns):
        style = "bold" if bold_first and not place else ""
        grid.add_column(Text(clean(heading)), justify="right" if side == "right" else "left", no_wrap=True, style=style)
    for row in rows:
        grid.add_row(*(Text(clean(cell), "red" if cell in red else "") for cell in row))
    # A narrow terminal wraps lines; cutting names would lose them.
    needed = Measurement.get(out, out.options.update(max_width=1000), grid).maximum
    Console(width=max(out.width, needed), highlight=False, emoji=False, markup=False).print(grid, crop=False)


def report(rows: Sequence[tuple[str, str]], path: Path) -> None:
    """Print a report's labels and texts, and where it is."""
    out.print()
    table("", [("", "left"), ("", "left")], rows, bold_first=True)
    out.print(f"\n{clean(str(path))}")


def plain(text: str) -> None:
    """Print lines of text under a table."""
    out.print(f"\n{clean(text)}")
