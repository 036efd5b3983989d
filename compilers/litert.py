"""LiteRT on Linux: the int8 .tflite as it is, run once with the kernels it will run on.

Only a file that LiteRT refuses for the axis of a bias is changed (`graph.axes`).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import process
from artifact import ROOT, Artifact, ImageFacts, produce, sha256_of, versions, write_atomic
from errors import CompileError
from graph.axes import corrected
from target import Target

FILENAME = "model.tflite"
TRIAL_SECONDS = 120


def compile_for(model: Artifact[object], target: Target) -> Artifact[ImageFacts]:
    """Return an int8 artifact as one of kind `litert` for a Linux target; its memory is `model_file`.

    Raises CompileError with LiteRT's last line if it can't run the model.
    """

    def make(folder: Path) -> ImageFacts:
        data = model.path.read_bytes()
        write_atomic(folder / FILENAME, corrected(data) or data)
        _try(folder / FILENAME, model.name)
        return ImageFacts(sha256_of(folder / FILENAME), {"model_file": (folder / FILENAME).stat().st_size})

    return produce(
        "litert",
        model.name,
        FILENAME,
        ImageFacts,
        make,
        parents={model.kind: model.sha256},
        tools=versions("ai-edge-litert"),
        parameters={"cpu": target.cpu},
    )


def _try(path: Path, name: str) -> None:
    """Run it once in a process of its own: a model that LiteRT loads can still abort the process that runs it."""
    done = process.run(
        [sys.executable, "-P", "-m", "graph.trial", path.resolve()],
        error=CompileError,
        timeout_s=TRIAL_SECONDS,
        name=f"{name}: one inference in LiteRT",
        check=False,
        environment={**os.environ, "PYTHONPATH": str(ROOT)},
        folder=ROOT,
    )
    if done.exit_code:
        raise CompileError(f"{name}: LiteRT can't run it ({done.last_line()})")
