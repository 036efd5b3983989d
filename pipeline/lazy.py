"""The modules that the tasks call, each imported when a task first names it: `./inv --list` needs none of them."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # so that the calls are checked
    from pipeline import (  # noqa: I001  # sorted, it would be a statement for each
        cleaning as cleaning,
        comparing as comparing,
        device_test as device_test,
        exporting as exporting,
        fitting as fitting,
        flashing as flashing,
        history as history,
        listing as listing,
        measuring as measuring,
        preprocessing as preprocessing,
        products as products,
        profiling as profiling,
        reporting as reporting,
        sweeping as sweeping,
        tracing as tracing,
    )
else:

    def __getattr__(name: str) -> ModuleType:
        if name.startswith("__"):  # such as __path__, which Python looks for in a module
            raise AttributeError(name)
        return importlib.import_module(f"pipeline.{name}")
