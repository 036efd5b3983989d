"""`inv docs`: the pages of docs/ checked, and written as HTML files that need no network.

Each page has one purpose. `sources` reads them, `check` finds what they name and is not there, `html` writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import console
from artifact import BUILD_DIR, ROOT
from devtools.pages import check, html, sources
from errors import Error

OUT = BUILD_DIR / "docs"


def run(parse: Callable[[Sequence[str]], object], flags: Collection[str], as_json: bool) -> None:
    """Build all pages and print the path of the first, as text or as JSON. Raises Error as `build`."""
    first = build(parse, flags)
    if as_json:
        console.print_json({"first": str(first), "pages": len(list(first.parent.glob("*.html")))})
    else:
        print(first)


def build(parse: Callable[[Sequence[str]], object], flags: Collection[str], out: Path = OUT, root: Path = ROOT) -> Path:
    """Check all pages, write them into a folder and return the first.

    `parse` raises Error for a command line that is wrong; `flags` are all options of `./inv`. Raises Error with each
    problem, by file and line; then nothing is written.
    """
    pages = sources.read(root)
    problems = check.problems(pages, root, parse, flags)
    if problems:
        raise Error(f"inv docs: {len(problems)} to correct: {'; '.join(problems)}")
    html.write(pages, root, out)
    return out / html.name_of(pages[0])
