"""All networks on all cores with all engines in one run: instructions and memory, as a table to publish.

Emulated cores count instructions, not time. Each cell is an image built, started and run on pictures, its outputs
compared with LiteRT's reference kernels.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from artifact import ROOT, Artifact, ImageFacts
from calibration.evaluate import Values
from deploy.device import device_for
from measure import figures, samples
from measure.layers import LayerCount
from target import Target

NETWORKS = ("v1_025", "v2_035", "v3sm_075", "v3s_075")
CORES = ("qemu-m0", "qemu-m3", "qemu-m4", "qemu-m33", "qemu-m7", "qemu-m55")
RESULTS_DIR = ROOT / "benchmarks" / "results"
COUNTS_PATH = RESULTS_DIR / "shipped_presets.json"
TOLERANCE = 0.001
SCHEMA = 2


@dataclass(frozen=True)
class Cell:
    """One network on one core with one engine: `instructions` is the median over the pictures, `memory` bytes by name.

    `cycles` are modeled, by the rules of version `cycle_rules`. `equal` of the `pictures` had the reference's output.
    `problem` says why there are no figures, such as that it does not fit. What was not measured is None.
    """

    network: str
    target: str
    core: str
    engine: str
    kernels: str | None = None
    instructions: int | None = None
    memory: Mapping[str, int] | None = None
    pictures: int | None = None
    equal: int | None = None
    problem: str | None = None
    layers: tuple[LayerCount, ...] | None = None
    cycles: int | None = None
    cycle_rules: int | None = None


@dataclass(frozen=True)
class Results:
    """What engines.json holds: all cells, the command that measured them, and the versions of its tools."""

    schema: int
    command: str
    tools: Mapping[str, str]
    cells: tuple[Cell, ...]


def measure_cell(
    network: str,
    target: Target,
    engine: str,
    image: Artifact[ImageFacts],
    inputs: Values,
    reference: Values,
) -> Cell:
    """Run an image on the inputs (n, h, w, c) and return its cell."""
    outputs = samples.Outputs(np.zeros_like(reference), [])
    with device_for(target, image).session() as session:
        samples.run_all(session, inputs, outputs)
        info = session.info
        memory = figures.memory(info, session.stats(), image.facts.memory)
    exact = figures.exactness(outputs.raw, reference, "")
    return Cell(
        network,
        target.name,
        target.cpu,
        engine,
        info.kernels,
        round(statistics.median(outputs.times)),
        memory,
        exact.n,
        exact.equal,
    )
