"""Run this suite in a pytest of its own, with a network of the pipeline and real test pictures."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

import process
from artifact import ROOT, Artifact, ImageFacts
from deploy.agents import TFLM
from device_tests import outcome
from device_tests.outcome import Outcome
from device_tests.retries import FLAKY
from errors import DeviceError
from target import Target

LITERT = "litert"
"""The kind of artifact that is the model itself."""

PYTEST_OPTIONS = "--import-mode=importlib --strict-markers --strict-config -ra"
"""In place of those of pyproject.toml, which say how long this project's own tests take."""
PICTURES = {"host": 100, "hardware": 100, "emulated": 20}
"""How many pictures are tested unless the user chooses, by what the numbers are measured on."""
OTHER_BOARD = 10
"""The exit code of pytest where the device is not the target's board; pytest itself has 0 to 5."""


@dataclass(frozen=True)
class Order:
    """What is tested: a device with `target` that runs `compiled`, by `engine`, against LiteRT with `model`.

    `inputs` are as the model takes them, (n, ...), or the bytes (n, bytes) of several tensors; `labels` their classes
    (n,), if they are known. `junit` is the file to write; a soak writes its journal beside it.
    """

    target: Target
    engine: str
    model: Artifact[object]
    compiled: Artifact[ImageFacts]
    inputs: npt.NDArray[Any]
    labels: npt.NDArray[np.int64] | None
    junit: Path

    @property
    def journal(self) -> Path:
        """The file to which a soak appends a line of JSON from time to time."""
        return self.junit.with_suffix(".soak.jsonl")

    def arguments(self) -> list[str]:
        """Return the options of pytest that say it, but for the inputs."""
        words = [str(Path(__file__).parent), "--no-header", f"--junit-xml={self.junit.resolve()}"]
        words += ["-o", f"addopts={PYTEST_OPTIONS}"]
        words += ["-o", "junit_family=xunit1"]  # the newer one can't hold what a test measured
        words += ["--target", self.target.name, "--engine", self.engine]
        words += ["--model-artifact", str(self.model.path), "--model-name", self.model.name]
        words += ["--count", str(len(self.inputs)), "--soak-journal", str(self.journal.resolve())]
        if self.compiled.kind == TFLM and self.target.kind != "mcu":
            words += ["--tflm-arena", str(self.compiled.facts.memory["arena"])]
        elif self.compiled.kind != LITERT:
            words += ["--image", str(self.compiled.path), "--kind", self.compiled.kind]
        return words


def run(order: Order, options: Sequence[str] = (), output: IO[str] | None = None) -> Outcome:
    """Test a device, write JUnit XML and return what it came to; `options` go to pytest, whose output to `output`.

    Raises DeviceError if a test fails, if one passes only when it is repeated, or if none was run.
    """
    order.junit.parent.mkdir(parents=True, exist_ok=True)
    for path in (order.junit, order.journal):
        path.unlink(missing_ok=True)  # of an earlier run, which this one may not come to replace
    with tempfile.TemporaryDirectory(prefix="alpharho-") as folder:
        pictures = Path(folder) / "pictures.npz"
        arrays: dict[str, Any] = {"inputs": order.inputs} | ({} if order.labels is None else {"labels": order.labels})
        np.savez(pictures, **arrays)
        command = [sys.executable, "-m", "pytest", *order.arguments(), "--pictures", str(pictures), *options]
        exit_code = process.show(command, error=DeviceError, folder=ROOT, output=output)
    if exit_code:
        raise DeviceError(f"{order.target.name}: {_reason(exit_code, order.junit)}; see above and {order.junit}")
    return outcome.read(order.junit)


def _reason(exit_code: int, junit: Path) -> str:
    reasons = {5: "no test was run", OTHER_BOARD: "the device is another board, nothing was tested"}
    if exit_code in reasons:
        return reasons[exit_code]
    if exit_code == FLAKY:
        return f"flaky tests passed only when repeated: {outcome.read(junit).text()}"
    if exit_code == 1 and junit.is_file():
        return outcome.read(junit).text()
    return f"pytest ended with {process.ending(exit_code)}"
