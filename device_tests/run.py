"""Run this suite in a pytest of its own, with a network of the pipeline and real test pictures."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import process
from artifact import ROOT, Artifact
from errors import DeviceError
from target import Target

PICTURES = {"host": 100, "hardware": 100, "emulated": 20}
"""How many pictures are tested unless the user chooses, by what the numbers are measured on."""
OTHER_BOARD = 10
"""The exit code of pytest where the device is not the target's board; pytest itself has 0 to 5."""


def run(
    target: Target,
    model: Artifact[object],
    compiled: Artifact[object],
    inputs: npt.NDArray[Any],
    labels: npt.NDArray[np.int64] | None,
    junit: Path,
    options: Sequence[str] = (),
) -> None:
    """Test a device that runs `compiled`, and write JUnit XML to `junit`.

    `inputs` are pictures as the model takes them, (n, h, w, c); `labels` their classes, if they are known; `options` go
    to pytest. Raises DeviceError if a test fails or none was run.
    """
    junit.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "pictures.npz"
        arrays: dict[str, Any] = {"inputs": inputs} | ({} if labels is None else {"labels": labels})
        np.savez(pictures, **arrays)
        command = [sys.executable, "-m", "pytest", str(Path(__file__).parent), "-rs", f"--junit-xml={junit.resolve()}"]
        command += ["-o", "junit_family=xunit1"]  # the newer one can't hold what a test measured
        command += ["--target", target.name, "--model-artifact", str(model.path), "--pictures", str(pictures)]
        command += ["--count", str(len(inputs))]
        if compiled.kind == "firmware":
            command += ["--image", str(compiled.path)]
        exit_code = process.show([*command, *options], error=DeviceError, folder=ROOT)
    if exit_code:
        reasons = {5: "no test was run", OTHER_BOARD: "the device is another board, nothing was tested"}
        reason = reasons.get(exit_code, f"pytest ended with {process.ending(exit_code)}")
        raise DeviceError(f"{target.name}: {reason}; see above and {junit}")
