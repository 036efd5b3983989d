"""The arena's size: measured with the real interpreter on this host, then derived for a 32-bit microcontroller."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import process
from artifact import ROOT, versions
from compilers.tflm.planner import CMSIS_NN, device_tail_bytes, head_bytes
from errors import CompileError
from fields import Source, load_json
from fields.dataclass_json import from_json
from graph.types import Graph

DISTRIBUTION = "tflite-micro"
TRIAL_SECONDS = 300
LAST_LINES = 3
WITH_MVE = ("cortex-m55", "cortex-m85")


@dataclass(frozen=True)
class Arena:
    """Bytes of TFLite-Micro's arena.

    `host_bytes` is the smallest with which this host's interpreter, of `version`, allocates and runs: `host_head` for
    activations, `host_tail` for structures. `device_bytes` is derived from it: enough for a 32-bit microcontroller with
    the reference kernels or CMSIS-NN's, whose needs `device_reference`, `device_dsp` and `device_mve` are.
    """

    version: str
    host_bytes: int
    host_head: int
    host_tail: int
    device_reference: int
    device_dsp: int
    device_mve: int

    @property
    def device_bytes(self) -> int:
        """The largest of what the kernel sets need."""
        return max(self.device_reference, self.device_dsp, self.device_mve)

    def bytes_for(self, kernels: str, core: str) -> int:
        """Return what a library with upstream's `kernels` (reference, cmsis_nn ...) needs on a core (cortex-m4 ...)."""
        if kernels == "reference":
            return self.device_reference
        if kernels != "cmsis_nn":
            return self.device_bytes
        return self.device_mve if core in WITH_MVE else max(self.device_reference, self.device_dsp)


@dataclass(frozen=True)
class Trial:
    """What compilers.tflm.trial prints: bytes of the smallest arena, of its parts, and (bytes, count) of each kind."""

    smallest: int
    total: int
    head: int
    tail: int
    kinds: Mapping[str, tuple[int, int]]


def measure(path: Path, graph: Graph) -> Arena:
    """Return the arena of a `.tflite`. Raises CompileError with TFLite-Micro's own last lines if it can't run it."""
    trial = _trial(path)
    # Some reference kernels ask for scratch of their own, which is in the measured head alone.
    own = trial.head - head_bytes(graph)
    # What allocating needs for a while, in a small network more than running: a device needs no more than this host.
    least = trial.smallest if trial.smallest > trial.total else 0
    device = {
        kernels: max(
            least, head_bytes(graph, kernels) + own + device_tail_bytes(graph, trial.tail, trial.kinds, kernels)
        )
        for kernels in ("", *CMSIS_NN)
    }
    return Arena(
        version=version(),
        host_bytes=trial.smallest,
        host_head=trial.head,
        host_tail=trial.tail,
        device_reference=device[""],
        device_dsp=device["dsp"],
        device_mve=device["mve"],
    )


def version() -> str:
    """Return the version of the interpreter on this host. Raises CompileError if there is none."""
    from importlib import metadata

    try:
        return versions(DISTRIBUTION)[DISTRIBUTION]
    except metadata.PackageNotFoundError as e:
        raise CompileError(
            f"--engine tflm: {DISTRIBUTION} is not installed; it exists for Linux on x86-64, where `./inv` installs it"
        ) from e


def _trial(path: Path) -> Trial:
    version()
    command = [sys.executable, "-P", "-m", "compilers.tflm.trial", str(path.resolve())]
    finished = process.run(
        command, error=CompileError, timeout_s=TRIAL_SECONDS, folder=ROOT, environment=_environment(), check=False,
        name=f"{path.name}: TFLite-Micro's search for its arena", hint="use `--engine aot`",
    )  # fmt: skip
    if finished.exit_code:
        lines = [line.strip() for line in finished.stderr.splitlines() if line.strip()][-LAST_LINES:]
        lines += [process.ending(finished.exit_code)] if finished.exit_code < 0 or not lines else []
        raise CompileError(
            f"{path.name}: TFLite-Micro can't run it: {' | '.join(lines)}; `--engine aot` or a LiteRT target may"
        )
    source = Source(f"{path.name}: TFLite-Micro's trial", CompileError, "report it")
    return from_json(Trial, load_json(finished.stdout, source).values, source)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}
