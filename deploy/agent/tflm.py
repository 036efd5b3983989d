"""TFLite-Micro's interpreter under the agent, in LiteRT's place: for the target host-tflm."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import time
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TypedDict

from deploy.agent.engine import EngineError, describe, one_line
from deploy.agent.interface import Detail
from graph.tflm_recording import arena_parts, captured_stderr

MOST_TENSORS = 255
"""Of the wire protocol."""


class _Quantization(TypedDict):
    scales: Sequence[float]
    zero_points: Sequence[int]


class _Details(TypedDict):
    """A tensor as TFLite-Micro's interpreter describes it."""

    dtype: type
    shape: Sequence[int]
    quantization_parameters: _Quantization


class TflmEngine:
    """One loaded model, in an arena of `arena_bytes`. Tensors go in and out as the bytes of a C-ordered array.

    Raises EngineError if tflite-micro is not installed or the model does not load in that arena.
    """

    name = "tflm"
    kernels = "reference"
    threads = 1
    input_preserved = True  # it is written again before each run, outside of the time measured

    def __init__(self, model: str, arena_bytes: int):
        self.counter = {"name": "CLOCK_MONOTONIC", "rate_hz": 1_000_000_000, "unit": "ticks"}
        started = time.perf_counter_ns()
        runtime, self.version = _import_runtime()
        self.import_ns = time.perf_counter_ns() - started
        self._np = importlib.import_module("numpy")
        started = time.perf_counter_ns()
        try:
            with open(model, "rb") as file:
                content = file.read()
            self._interpreter = runtime.Interpreter.from_bytes(content, arena_size=arena_bytes)
        except OSError as e:
            raise EngineError(f"{model}: can't be read ({e.strerror or e})") from e
        except (ValueError, RuntimeError) as e:
            raise EngineError(f"{model}: not loaded in an arena of {arena_bytes} bytes ({one_line(e)})") from e
        self.load_ns = time.perf_counter_ns() - started
        self.first_inference_ns = 0
        self.model_sha256 = hashlib.sha256(content).hexdigest()
        parts = arena_parts(captured_stderr(self._interpreter.print_allocations))
        self.memory = {
            "model_file": len(content),
            "arena": arena_bytes,
            "arena_used": parts["total"],
            "arena_head": parts["head"],
            "arena_tail": parts["tail"],
        }
        self._arrays: dict[int, object] = {}
        self._details = self._all(self._interpreter.get_input_details)
        self.inputs = [describe(_as_litert("input", detail)) for detail in self._details]
        outputs = self._all(self._interpreter.get_output_details)
        self.outputs = [describe(_as_litert("output", detail)) for detail in outputs]

    def _all(self, details: Callable[[int], _Details]) -> list[_Details]:
        """Return the details of each input or output: the Python interface shows one at a time, and no count."""
        found: list[_Details] = []

        def collect() -> None:
            with contextlib.suppress(IndexError):
                while len(found) < MOST_TENSORS:
                    found.append(details(len(found)))

        captured_stderr(collect)  # it says there that the last index is out of range
        return found

    def set_input(self, tensor: int, data: bytes) -> None:
        """Set input `tensor` to these bytes, as many as its shape and dtype need."""
        detail = self._details[tensor]
        array = self._np.frombuffer(data, dtype=detail["dtype"]).reshape(detail["shape"])
        self._arrays[tensor] = array

    def run(self) -> int:
        """Run once and return the nanoseconds it took. Raises EngineError with the runtime's message."""
        for tensor, array in self._arrays.items():
            self._interpreter.set_input(array, tensor)
        invoke = self._interpreter.invoke
        started = time.perf_counter_ns()
        try:
            invoke()
        except (RuntimeError, ValueError) as e:
            raise EngineError(one_line(e)) from e
        ticks = time.perf_counter_ns() - started
        self.first_inference_ns = self.first_inference_ns or ticks
        return ticks

    def output(self, tensor: int) -> bytes:
        """Return the bytes of output `tensor`."""
        data: bytes = self._interpreter.get_output(tensor).tobytes()
        return data

    def stats(self) -> dict[str, int]:
        """Return what only the engine knows; nothing that was not measured."""
        known = {"import_ns": self.import_ns, "load_ns": self.load_ns, "threads": self.threads}
        if self.first_inference_ns:
            known["first_inference_ns"] = self.first_inference_ns
        return known


def _as_litert(name: str, details: _Details) -> Detail:
    """Return TFLite-Micro's details of a tensor as LiteRT would give them."""
    quantization = details["quantization_parameters"]
    scales, zero_points = quantization["scales"], quantization["zero_points"]
    return {
        "name": name,
        "dtype": details["dtype"],
        "shape": details["shape"],
        "quantization": (float(scales[0]), int(zero_points[0])) if len(scales) else (0.0, 0),
    }


def _import_runtime() -> tuple[ModuleType, str]:
    from importlib import metadata

    try:
        return importlib.import_module("tflite_micro.python.tflite_micro.runtime"), metadata.version("tflite-micro")
    except ImportError as e:
        raise EngineError(f"tflite-micro is not installed ({one_line(e)}); it exists for Linux on x86-64") from e
