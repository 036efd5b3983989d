"""LiteRT on Linux: the int8 .tflite as it is, tried once with the kernels it will run on."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from artifact import Artifact, ImageFacts, produce, versions
from errors import CompileError
from target import Target

FILENAME = "model.tflite"
TRIAL_SECONDS = 120
# Run in a process of its own: a model that LiteRT accepts can still abort the process that invokes it.
TRIAL = """
import sys
from ai_edge_litert.interpreter import Interpreter
i = Interpreter(model_path=sys.argv[1])
i.allocate_tensors()
i.invoke()
"""


def compile_for(model: Artifact[object], target: Target) -> Artifact[ImageFacts]:
    """Return an int8 artifact as one of kind `litert` for a Linux target; its memory is `model_file`.

    Raises CompileError with LiteRT's own last line if it can't run the model.
    """

    def make(folder: Path) -> ImageFacts:
        shutil.copyfile(model.path, folder / FILENAME)
        _try(folder / FILENAME)
        return ImageFacts(model.sha256, {"model_file": (folder / FILENAME).stat().st_size})

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


def _try(path: Path) -> None:
    command = [sys.executable, "-c", TRIAL, str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TRIAL_SECONDS, check=False)
    except subprocess.TimeoutExpired as e:
        raise CompileError(f"{path.name}: one inference took over {TRIAL_SECONDS} s in LiteRT") from e
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise CompileError(f"{path.name}: LiteRT can't run it ({last})")
