"""Python code of TensorFlow and Keras runs outside of the measure of coverage.

None of it is ours, and tracing it takes a third more time. Layers and callbacks of ours, which it calls, are traced.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import sys
import threading
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, TypeAlias

Function: TypeAlias = Callable[..., Any]


def install() -> None:
    """Leave out what is imported from here on."""
    sys.meta_path.insert(0, _Finder())


class _Outside(threading.local):
    """The trace functions of coverage that are stopped while this thread runs foreign code, the innermost last."""

    def __init__(self) -> None:
        self.tracers: list[Any] = []


_outside = _Outside()


def untraced(function: Function) -> Function:
    """Return a function that runs without the trace function of its thread."""

    @functools.wraps(function)
    def run(*arguments: Any, **options: Any) -> Any:
        tracer = sys.gettrace()
        if tracer is None:
            return function(*arguments, **options)
        _outside.tracers.append(tracer)
        sys.settrace(None)
        try:
            return function(*arguments, **options)
        finally:
            sys.settrace(_outside.tracers.pop())
            _called()

    return run


def traced(function: Function) -> Function:
    """Return a function that runs with the trace function again that `untraced` stopped."""

    @functools.wraps(function)
    def run(*arguments: Any, **options: Any) -> Any:
        if sys.gettrace() is not None or not _outside.tracers:
            return function(*arguments, **options)
        sys.settrace(_outside.tracers[-1])
        _called()
        try:
            return function(*arguments, **options)
        finally:
            sys.settrace(None)

    return run


def _of_layers(call: Function) -> Function:
    """Return the call of a layer: Keras's own runs untraced, ours traced."""
    foreign, own = untraced(call), traced(call)

    @functools.wraps(call)
    def run(layer: Any, *arguments: Any, **options: Any) -> Any:
        is_foreign = type(layer).__module__.partition(".")[0] == "keras"
        return (foreign if is_foreign else own)(layer, *arguments, **options)

    return run


def _called() -> None:
    """Be called: from this call on, coverage's tracer sees the events of running frames, too.

    The frame that starts the tracer must be the one that stopped it, or the one that stops it: the tracer counts calls
    and returns.
    """


# Functions of a module by the path to them, and what is done to them.
WRAPPED: dict[str, dict[str, Callable[[Function], Function]]] = {
    "keras": {
        **{f"Model.{name}": untraced for name in ("save", "save_weights", "load_weights", "predict", "fit", "export")},
        **{f"models.{name}": untraced for name in ("load_model",)},
        **{f"applications.MobileNet{version}": untraced for version in ("", "V2", "V3Small", "V3Large")},
        "Layer.__call__": _of_layers,
    },
    "keras.src.models.functional": {"Functional.__init__": untraced},
    "keras.src.callbacks.callback_list": {
        f"CallbackList.on_{name}": traced for name in ("epoch_begin", "epoch_end", "train_batch_end", "train_end")
    },
    "tensorflow": {},
    "tensorflow.lite.python.lite": {
        f"TFLite{kind}ConverterV2.convert": untraced for kind in ("KerasModel", "SavedModel")
    },
}


class _Finder(importlib.abc.MetaPathFinder):
    """Imports modules of WRAPPED untraced and wraps their functions."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in WRAPPED:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            execute = untraced(spec.loader.exec_module)

            def execute_and_wrap(module: ModuleType) -> None:
                execute(module)
                for entry, wrap in WRAPPED[name].items():
                    _wrap(module, entry, wrap)

            spec.loader.exec_module = execute_and_wrap  # type: ignore[method-assign]
        return spec


def _wrap(module: ModuleType, entry: str, wrap: Callable[[Function], Function]) -> None:
    *path, last = entry.split(".")
    holder: Any = functools.reduce(getattr, path, module)
    setattr(holder, last, wrap(getattr(holder, last)))
