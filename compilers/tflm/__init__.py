"""TFLite-Micro: an int8 `.tflite` becomes what any TFLite-Micro project takes as it is.

`graph` reads the file, `arena` measures with the real interpreter and derives, `emit` writes model data, operators,
arena and examples. Nothing here imports TensorFlow.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from artifact import Artifact, produce, write_atomic
from compilers.tflm import arena, graph
from compilers.tflm.arena import Arena
from compilers.tflm.emit import Model, emit

__all__ = ["ENGINE", "ENGINE_VERSION", "FILENAME", "compile_for", "model_of"]

ENGINE = "tflm"
# Raise it whenever the generated files may differ for the same network.
ENGINE_VERSION = "2"
FILENAME = "model.tflite"


def compile_for(model: Artifact) -> Artifact:
    """Return an int8 artifact as one of kind `tflm`: the `.tflite`, and beside it the C++ and the examples.

    Facts: the model's own, `memory` (bytes: `model_file`, `arena` on this host, `arena_32bit` derived), `arena` (all of
    its figures) and `operators`. Raises CompileError if TFLite-Micro can't run the model, with its own last lines.
    """

    def make(folder: Path) -> Mapping[str, Any]:
        shutil.copyfile(model.path, folder / FILENAME)
        content = model.path.read_bytes()
        found = arena.measure(folder / FILENAME, network := graph.read(folder / FILENAME))
        for name, text in emit(Model(model.name, content, model.sha256, network, found)).items():
            write_atomic(folder / name, text)
        memory = {"model_file": len(content), "arena": found.host_bytes, "arena_32bit": found.device_bytes}
        return dict(model.facts) | {"memory": memory, "arena": asdict(found), "operators": network.operator_names}

    return produce(
        ENGINE,
        model.name,
        FILENAME,
        make,
        parents={model.kind: model.sha256},
        tools={arena.DISTRIBUTION: arena.version()},
        parameters={"engine": f"{ENGINE} {ENGINE_VERSION}"},
    )


def model_of(compiled: Artifact) -> Model:
    """Return the network of a `tflm` artifact, as `emit` takes it."""
    content = compiled.path.read_bytes()
    return Model(
        compiled.name, content, compiled.sha256, graph.read(compiled.path), Arena(**compiled.facts["arena"])
    )  # fmt: skip
