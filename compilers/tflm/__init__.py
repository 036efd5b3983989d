"""TFLite-Micro: an int8 `.tflite` becomes what any TFLite-Micro project takes as it is.

`checks` reads the file and checks it, `arena` measures with the real interpreter and derives, `emit`
writes model data, operators, arena and examples. Nothing here imports TensorFlow.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from artifact import Artifact, ImageFacts, produce, sources_digest, write_atomic
from compilers.tflm import arena, checks
from compilers.tflm.arena import Arena
from compilers.tflm.emit import Model, emit

__all__ = ["ENGINE", "ENGINE_VERSION", "FILENAME", "TflmFacts", "compile_for", "model_of"]

ENGINE = "tflm"
# Raise it whenever the generated files may differ for the same network.
ENGINE_VERSION = "3"
FILENAME = "model.tflite"


@dataclass(frozen=True)
class TflmFacts(ImageFacts):
    """Facts of a `tflm` artifact: all figures of its arena, and the names of its operators.

    `memory` has the bytes of `model_file`, `arena` on this host, and `arena_32bit`, which is derived.
    """

    arena: Arena
    operators: tuple[str, ...]


def compile_for(model: Artifact[object]) -> Artifact[TflmFacts]:
    """Return an int8 artifact as one of kind `tflm`: the `.tflite`, and beside it the C++ and the examples.

    Raises CompileError if TFLite-Micro can't run the model, with its own last lines.
    """

    def make(folder: Path) -> TflmFacts:
        shutil.copyfile(model.path, folder / FILENAME)
        content = model.path.read_bytes()
        measured = arena.measure(folder / FILENAME, network := checks.read(folder / FILENAME, model.name))
        for name, text in emit(Model(model.name, content, model.sha256, network, measured)).items():
            write_atomic(folder / name, text)
        memory = {"model_file": len(content), "arena": measured.host_bytes, "arena_32bit": measured.device_bytes}
        return TflmFacts(model.sha256, memory, measured, tuple(network.operator_names))

    return produce(
        ENGINE,
        model.name,
        FILENAME,
        TflmFacts,
        make,
        parents={model.kind: model.sha256},
        tools={arena.DISTRIBUTION: arena.version()},
        parameters={"engine": f"{ENGINE} {ENGINE_VERSION}, sources {sources_digest(Path(__file__).parent)}"},
    )


def model_of(compiled: Artifact[TflmFacts]) -> Model:
    """Return the network of a `tflm` artifact, as `emit` takes it."""
    graph = checks.read(compiled.path, compiled.name)
    return Model(compiled.name, compiled.path.read_bytes(), compiled.sha256, graph, compiled.facts.arena)
