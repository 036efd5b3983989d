"""The files that a TFLite-Micro project takes: model data, operators, arena, and an example for each platform."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jinja2
import numpy as np

from compilers.compiled import CompiledModel, c_identifier, macro_prefix
from compilers.tflm.arena import Arena
from compilers.tflm.operators import additions
from graph.types import Graph, Tensor

BYTES_A_LINE = 20
# By the folder below examples/: template and file name.
EXAMPLES = {
    "cmake": (("cmake/CMakeLists.txt", "CMakeLists.txt"), ("main.cc", "main.cc")),
    "zephyr": (
        ("zephyr/CMakeLists.txt", "CMakeLists.txt"), ("zephyr/prj.conf", "prj.conf"), ("main.cc", "src/main.cc")
    ),
    "esp-idf": (
        ("esp-idf/CMakeLists.txt", "CMakeLists.txt"),
        ("esp-idf/main/CMakeLists.txt", "main/CMakeLists.txt"),
        ("esp-idf/main/idf_component.yml", "main/idf_component.yml"),
        ("main.cc", "main/main.cc"),
    ),
}  # fmt: skip

_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("compilers.tflm"), trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    undefined=jinja2.StrictUndefined, autoescape=False,
)  # fmt: skip


@dataclass(frozen=True)
class Model:
    """A network to write out: its name, the bytes of the `.tflite` and their sha256, its graph and its arena."""

    name: str
    data: bytes
    sha256: str
    graph: Graph
    arena: Arena

    @property
    def identifier(self) -> str:
        """The name as a C identifier, with which files and symbols begin."""
        return c_identifier(self.name)

    def compiled(self, folder: Path, arena_bytes: int) -> CompiledModel:
        """Return what a firmware build needs to know; the generated C++ is in `folder`."""
        inputs = [self.graph.tensors[i] for i in self.graph.inputs]
        return CompiledModel(
            self.name,
            folder,
            self.sha256,
            arena_bytes,
            len(self.data),
            sum(tensor.bytes for tensor in inputs),
            inputs[0].shape,
            inputs[0].dtype,
        )


def emit(model: Model) -> dict[str, str]:
    """Return the files by path. The same model and arena give the same bytes. Raises CompileError."""
    context = _context(model)
    name = model.identifier
    files = {f"{name}_{part}": _render(part, context) for part in ("data.cc", "data.h", "ops.h", "arena.h", "run.h")}
    for platform, templates in EXAMPLES.items():
        for template, path in templates:
            files[f"examples/{platform}/{path}"] = _render(template, context | {"platform": platform})
    # The Arduino tools compile only the files in the sketch's folder, which has the sketch's name.
    sketch = f"examples/arduino/{name}"
    files[f"{sketch}/{name}.ino"] = _render("arduino/sketch.ino", context)
    for part, ending in (
        ("data.cc", "data.cpp"),
        ("data.h", "data.h"),
        ("ops.h", "ops.h"),
        ("arena.h", "arena.h"),
        ("run.h", "run.h"),
    ):
        files[f"{sketch}/{name}_{ending}"] = files[f"{name}_{part}"]
    return files


def firmware_header(model: Model, kernels: str, version: str, arena_bytes: int) -> str:
    """Return `model.h` for our own firmware: the facts that engines/tflm/engine.cc reports to the host."""
    return _render("model.h", _context(model) | {"kernels": kernels, "version": version, "arena_bytes": arena_bytes})


def _context(model: Model) -> dict[str, object]:
    from compilers.tflm import ENGINE_VERSION

    graph = model.graph
    added = additions(graph.operator_names, model.name)
    int8 = all(t.dtype == "int8" for t in _computed(graph))
    return {
        "made": f"Generated from the .tflite of sha256 {model.sha256[:16]} by the tflm compiler, version "
        f"{ENGINE_VERSION}. Do not edit.",
        "id": model.identifier,
        "guard": macro_prefix(model.identifier),
        "data": model.data,
        "lines": list(_lines(model.data)),
        "sha256": model.sha256,
        "additions": added,
        "int8": int8,
        "headers": sorted({a.header for a in added if a.header}) if int8 else [],
        "arena": model.arena,
        "inputs": [_tensor(graph.tensors[i]) for i in graph.inputs],
        "outputs": [_tensor(graph.tensors[i]) for i in graph.outputs],
    }


def _computed(graph: Graph) -> Iterator[Tensor]:
    """Yield the tensors that operators compute."""
    for operator in graph.operators:
        for index in operator.outputs:
            yield graph.tensors[index]


def _tensor(tensor: Tensor) -> dict[str, object]:
    q = tensor.quantization
    # The shortest decimal number that reads back as the same float32.
    scale = np.format_float_positional(q.scale if q else np.float32(0), unique=True, trim="0")
    return {
        "name": tensor.short_name, "shape": tensor.shape, "dtype": tensor.dtype, "bytes": tensor.bytes, "scale": scale,
        "zero_point": q.zero_point if q else 0,
    }  # fmt: skip


def _lines(data: bytes) -> Iterator[str]:
    for i in range(0, len(data), BYTES_A_LINE):
        yield "".join(f"{byte}," for byte in data[i : i + BYTES_A_LINE])


def _render(template: str, context: dict[str, object]) -> str:
    return _TEMPLATES.get_template(f"{template}.jinja").render(context)
