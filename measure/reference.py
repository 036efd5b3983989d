"""What the device's answers are compared with: LiteRT on this host."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import console
from artifact import NoFacts, produce, versions
from calibration import evaluate
from calibration.evaluate import Integers
from measure import figures
from measure.report import AccuracySection, ExactnessSection
from measure.setup import Pictures, Setup

FILENAME = "outputs.npy"


@dataclass(frozen=True)
class Agreement:
    """How the device's answers agree with the reference, and with the right classes where they are known."""

    exactness: ExactnessSection
    accuracy: AccuracySection | None


def reference_outputs(setup: Setup, pictures: Pictures, kernels: str) -> Integers:
    """Return LiteRT's outputs for the test pictures, (n, classes); those of an earlier run are reused."""
    int8, pixels = setup.int8, pictures.pixels

    def make(folder: Path) -> NoFacts:
        with console.bar("reference", len(pixels)) as progress:
            raw = evaluate.outputs(int8.path, pixels, int8.facts.input_range, kernels, progress)
        np.save(folder / FILENAME, raw, allow_pickle=False)
        return NoFacts()

    with console.step("reference") as line:
        outputs = produce(
            "reference",
            int8.name,
            FILENAME,
            NoFacts,
            make,
            parents={"int8": int8.sha256},
            tools=versions("ai-edge-litert"),
            parameters={"pictures": pictures.digest, "kernels": kernels},
        )
        line.text, line.reused = f"LiteRT {kernels} kernels on {len(pixels):,} pictures", outputs.reused
    return np.asarray(np.load(outputs.path, allow_pickle=False))


def compare_with_reference(setup: Setup, pictures: Pictures, raw: Integers, reference: Integers) -> Agreement:
    """Return how a device's answers to the first pictures, (n, classes), agree with the reference's to all of them."""
    kernels, reference = setup.reference_kernels, reference[: len(raw)]
    oracle = f"LiteRT {versions('ai-edge-litert')['ai-edge-litert']} {kernels} kernels on the host"
    exactness = figures.exactness(raw, reference, oracle)
    if pictures.truth is None:
        return Agreement(exactness, None)
    truth = pictures.truth[: len(raw)]
    accuracy = figures.accuracy(raw, truth, reference, setup.data.name)
    if setup.target.link == "ssh" and kernels != "reference":
        # Other kernels than the reference ones round differently on each platform.
        exact = reference_outputs(setup, pictures, "reference")[: len(raw)]
        accuracy = replace(accuracy, reference_top1=figures.top1(exact, truth))
    return Agreement(exactness, accuracy)
