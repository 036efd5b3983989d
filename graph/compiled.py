"""Files that another compiler has written for a chip: a `.tflite` in form, and runnable on that chip alone."""

from __future__ import annotations

from pathlib import Path

from errors import GraphError
from graph import reader

EDGETPU, VELA = "edgetpu", "vela"
OPERATORS = {"edgetpu-custom-op": EDGETPU, "ethos-u": VELA}
"""Compilers by the name of the custom operator that they write."""


def compiled_by(path: Path) -> str:
    """Return the compiler of a `.tflite`: EDGETPU, VELA, or "" for a plain one and for one that can't be read."""
    try:
        graph = reader.read(path)
    except GraphError:
        return ""
    names = (OPERATORS.get(operator.name, "") for operator in graph.operators if operator.is_custom)
    return next(filter(None, names), "")
