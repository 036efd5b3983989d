"""Tables. Who shows one lays it out: columns as (heading, "left" or "right"), and rows of text."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal, cast

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from console.screen import on_terminal, out
from console.text import clean, wrapped

_FILLED = re.compile(r"(?: |\x1b\[[0-9;]*m)+\n")
"""Spaces at the end of a line, also between codes of colors: an empty cell behind a heading has its own."""
NARROWEST_CELL = 10
"""Columns of text that a cell has at least where it is broken into lines."""
Columns = Sequence[tuple[str, str]]
Rows = Sequence[Sequence[str]]


def table(
    title: str,
    columns: Columns,
    rows: Rows,
    red: Collection[str] = (),
    bold_first: bool = False,
    drop: Sequence[int] = (),
) -> None:
    """Print a table. Cells that begin with one of `red` are shown in red, the first column in bold with `bold_first`.

    Columns without any text in their rows are left out.
    On a terminal that is too narrow the columns of `drop` are left out, one after the other, as far as needed, and
    named below the table; then columns of text are broken into lines between words.
    """
    empty = [place for place in range(len(columns)) if rows and not any(row[place].strip() for row in rows)]
    left_out = list(empty)
    grid = _grid(columns, rows, red, bold_first, left_out)
    for place in drop if out.is_terminal else ():
        if _width(grid) <= out.width:
            break
        if place in left_out:
            continue
        left_out.append(place)
        grid = _grid(columns, rows, red, bold_first, left_out)
    if out.is_terminal and _width(grid) > out.width:
        rows = _broken(columns, rows, left_out, _width(grid) - out.width)
        grid = _grid(columns, rows, red, bold_first, left_out)
    if title:
        out.print(Text(on_terminal(clean(title)), "italic"))
    # A narrow terminal wraps what is still too wide; cutting names would lose them.
    _print(grid)
    if left_out != empty:
        named = sorted(set(left_out) - set(empty))
        names = ", ".join(" ".join(clean(columns[place][0]).split()) or "description" for place in named)
        out.print(Text(f"not shown in {out.width} columns: {names}", "dim"))


def _broken(columns: Columns, rows: Rows, left_out: Collection[int], surplus: int) -> list[list[str]]:
    """Return rows whose columns of text are narrower by `surplus` together, in several lines where they must be.

    The widest is broken first, the next where that is not enough.
    """
    texts = [place for place, (_, side) in enumerate(columns) if side == "left" and place not in left_out]
    widths = {place: max((len(clean(row[place])) for row in rows), default=0) for place in texts}
    broken = [list(row) for row in rows]
    for place in sorted(texts, key=lambda place: -widths[place]):
        width = max(widths[place] - surplus, NARROWEST_CELL)
        if surplus <= 0 or width >= widths[place]:
            break
        for row in broken:
            row[place] = wrapped(clean(row[place]), width, narrowest=NARROWEST_CELL)
        surplus -= widths[place] - max((len(line) for row in broken for line in row[place].split("\n")), default=0)
    return broken


def _print(grid: Table) -> None:
    """Print a table without the spaces that fill its last column."""
    wide = Console(
        width=max(out.width, _width(grid)), force_terminal=out.is_terminal, color_system=_colors(), highlight=False,
        emoji=False, markup=False,
    )  # fmt: skip
    with wide.capture() as printed:
        wide.print(grid, crop=False)
    out.file.write(_FILLED.sub(lambda end: end[0].replace(" ", ""), printed.get()))
    out.file.flush()


def _colors() -> Literal["auto", "standard", "256", "truecolor", "windows"] | None:
    """Return the colors that the terminal has, none where it shows none."""
    return cast("Literal['standard', '256', 'truecolor', 'windows'] | None", out.color_system)


def _grid(columns: Columns, rows: Rows, red: Collection[str], bold_first: bool, left_out: Collection[int]) -> Table:
    grid = Table(header_style="bold", box=None, pad_edge=False)
    grid.show_header = any(heading for heading, _ in columns)
    shown = [place for place in range(len(columns)) if place not in left_out]
    for place in shown:
        heading, side = columns[place]
        style = "bold" if bold_first and not place else ""
        grid.add_column(Text(clean(heading)), justify="right" if side == "right" else "left", no_wrap=True, style=style)
    for row in rows:
        cells = [row[place] for place in shown]
        grid.add_row(*(Text(clean(cell), "red" if cell.startswith(tuple(red)) else "") for cell in cells))
    return grid


def _width(grid: Table) -> int:
    return Measurement.get(out, out.options.update(max_width=1000), grid).maximum


def report(rows: Sequence[tuple[str, str]], path: Path) -> None:
    """Print a report's labels and texts, and where it is."""
    out.print()
    indent = max((len(clean(label)) for label, _ in rows), default=0) + 2
    for label, text in rows:
        begin = Text(f"{clean(label):<{indent}}" if text else clean(label), "bold")
        lines = [on_terminal(line, indent) for line in clean(text).split("\n")]
        out.print(begin + Text(f"\n{' ' * indent}".join(lines)))
    out.print(f"\n{clean(str(path))}")


def plain(text: str) -> None:
    """Print lines of text under a table."""
    out.print("\n" + "\n".join(on_terminal(line) for line in clean(text).split("\n")))
