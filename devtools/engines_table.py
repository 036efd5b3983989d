"""The README's table of our engine beside TFLite-Micro with CMSIS-NN, from benchmarks/results/engines.json.

`python -m devtools.engines_table --write` writes it into README.md; a test compares the two.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from artifact import ROOT, write_atomic
from errors import Error

RESULTS = ROOT / "benchmarks" / "results" / "engines.json"
README = ROOT / "README.md"
CORES = {"cortex-m4": "M4", "cortex-m55": "M55"}
"""What the table shows; engines.md has all cores."""
COLUMNS = (
    "network", "core", "instructions (emulated)", "TFLM", "ratio", "cycles (modeled)", "TFLM", "ratio", "RAM, bytes",
    "TFLM", "ratio",
)  # fmt: skip
TABLE = re.compile(r"^\| network \| core \|.*\n(?:\|.*\n)+", re.MULTILINE)
Cell = Mapping[str, Any]


def markdown(path: Path = RESULTS) -> str:
    """Return the table. A ratio is TFLite-Micro's figure over ours; what was not measured is left empty."""
    cells: list[Cell] = json.loads(path.read_text())["cells"]
    by_key = {(cell["network"], cell["core"], cell["engine"]): cell for cell in cells if cell.get("memory")}
    networks = dict.fromkeys(cell["network"] for cell in cells)
    keys = [(network, core) for core in CORES for network in networks]
    both = [(by_key.get((*key, "aot")), by_key.get((*key, "tflm"))) for key in keys]
    rows = [_row(ours, theirs) for ours, theirs in both if ours and theirs]
    columns = [*COLUMNS]
    # A column of a figure that no cell has says nothing.
    shown = [place for place in range(len(columns)) if any(row[place] for row in rows)]
    lines = ["| " + " | ".join(columns[place] for place in shown) + " |"]
    lines += ["|" + "|".join("---:" if place > 1 else "---" for place in shown) + "|"]
    lines += ["| " + " | ".join(row[place] for place in shown) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _row(ours: Cell, theirs: Cell) -> list[str]:
    row = [ours["network"], CORES[ours["core"]]]
    for name in ("instructions", "cycles", "ram"):
        first, second = (cell["memory"]["ram"] if name == "ram" else cell.get(name) for cell in (ours, theirs))
        if first and second:
            row += [f"{first:,}", f"{second:,}", f"{second / first:.1f}"]
        else:
            row += [""] * 3
    return row


def with_table(text: str, table: str) -> str:
    """Return a page with the table in place of its own. Raises Error if it has none."""
    if not TABLE.search(text):
        raise Error("README.md: no table that begins with | network | core |; write one row of it, then run this again")
    return TABLE.sub(lambda _: table, text, count=1)


def main(arguments: Sequence[str]) -> None:
    """Print the table, or write it into README.md."""
    if list(arguments) == ["--write"]:
        write_atomic(README, with_table(README.read_text(), markdown()))
    else:
        print(markdown(), end="")


if __name__ == "__main__":
    main(sys.argv[1:])
