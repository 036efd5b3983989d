"""One report with every section and key, and changes of it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from fields import Source
from measure import report_file
from measure.report import Report

# One report with every section and key; a change of the format shows as a change of this file.
EXAMPLE_PATH = Path(__file__).parents[1] / "data" / "reports" / "full.report.json"
FULL: dict[str, Any] = json.loads(EXAMPLE_PATH.read_text())
SOURCE = Source("report.json")


def parsed(form: object) -> Report:
    return report_file.loads(json.dumps(form), SOURCE)


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the example with one key changed, or without it for a value of None."""
    form = copy.deepcopy(FULL)
    *way, last = path.split(".")
    part = form
    for key in way:
        part = part[key]
    if value is None:
        del part[last]
    else:
        part[last] = value
    return form
