"""What the device's answers are compared with: LiteRT on this host."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

import console
from artifact import NoFacts, produce, versions
from calibration import evaluate
from calibration.checks import QuantizedTensor
from calibration.evaluate import Values
from datasets import digest_of
from errors import DeviceError
from measure import difference, figures
from measure.report import AccuracySection, AucSection, ExactnessSection
from measure.setup import Pictures, Setup

FILENAME = "outputs.npy"


@dataclass(frozen=True)
class Agreement:
    """How the device's answers agree with the reference, and with what is right where that is known.

    `why_not` says why neither accuracy nor AUC has a meaning. `exactness` is None where there is no reference.
    """

    exactness: ExactnessSection | None
    accuracy: AccuracySection | None = None
    auc: AucSection | None = None
    why_not: str = ""


def reference_outputs(setup: Setup, pictures: Pictures, kernels: str) -> npt.NDArray[np.uint8]:
    """Return the bytes of LiteRT's outputs for the test pictures, (n, bytes); those of an earlier run are reused."""
    int8, inputs = setup.int8, pictures.inputs

    def make(folder: Path) -> NoFacts:
        with console.bar("reference", len(inputs)) as progress:
            raw = evaluate.answers(int8.path, inputs, kernels, progress)
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
            parameters={"inputs": digest_of(inputs), "kernels": kernels},
        )
        count = f"{len(inputs):,} input{'s' * (len(inputs) != 1)}"
        line.text, line.reused = f"LiteRT {kernels} kernels on {count}", outputs.reused
    return np.asarray(np.load(outputs.path, allow_pickle=False))


def agreement_of(
    setup: Setup, pictures: Pictures, raw: npt.NDArray[np.uint8], reference: npt.NDArray[np.uint8] | None
) -> Agreement:
    """Return how a device's answers agree with the reference's, or their accuracy alone where there is none."""
    if reference is None:
        return accuracy_alone(setup, pictures, raw)
    return compare_with_reference(setup, pictures, raw, reference)


def compare_with_reference(
    setup: Setup, pictures: Pictures, raw: npt.NDArray[np.uint8], reference: npt.NDArray[np.uint8]
) -> Agreement:
    """Return how a device's answers to the first pictures, (n, bytes), agree with the reference's to all of them."""
    kernels, tensors, n = setup.reference_kernels, setup.int8.facts.outputs, len(raw)
    ours, theirs = evaluate.split(raw, tensors), evaluate.split(reference[:n], tensors)
    oracle = f"LiteRT {versions('ai-edge-litert')['ai-edge-litert']} {kernels} kernels on the host"
    exactness = figures.exactness_of(ours, theirs, oracle)
    if exactness.equal < n:
        differ = (raw != reference[:n]).any(axis=1)
        exactness = replace(exactness, first_difference=difference.find(setup, pictures.inputs[:n][differ]))
    if pictures.truth is None:
        return Agreement(exactness, why_not=pictures.why_not)
    if setup.int8.facts.meaning.kind == "reconstruction":
        return _reconstruction(setup, pictures, exactness, ours[0], theirs[0])
    accuracy = _accuracy(setup, pictures, ours[0], theirs[0])
    if setup.target.link == "ssh" and kernels != "reference":
        # Other kernels than the reference ones round differently on each platform.
        exact = evaluate.split(reference_outputs(setup, pictures, "reference")[:n], tensors)[0]
        accuracy = replace(accuracy, reference_top1=_accuracy(setup, pictures, exact, exact).top1)
    return Agreement(exactness, accuracy)


def agreement_of_timed(setup: Setup, pictures: Pictures, answer: str) -> Agreement:
    """Return whether the device's answer to the first picture, which is timed, equals the reference's.

    `answer` has the bytes of all outputs in hexadecimal. Raises DeviceError if the reference has more or fewer.
    """
    first = replace(pictures, inputs=pictures.inputs[:1], truth=None, why_not="")
    reference = reference_outputs(setup, first, setup.reference_kernels)
    raw = np.frombuffer(bytes.fromhex(answer), np.uint8)[None]
    if raw.shape != reference.shape:
        raise DeviceError(f"the device answered {raw.shape[1]} bytes, expected {reference.shape[1]}")
    return compare_with_reference(setup, first, raw, reference)


def accuracy_alone(setup: Setup, pictures: Pictures, raw: npt.NDArray[np.uint8]) -> Agreement:
    """Return the accuracy of a device's answers to the first pictures, (n, bytes), where there is no reference."""
    if pictures.truth is None:
        return Agreement(None, why_not=pictures.why_not)
    ours = evaluate.split(raw, setup.int8.facts.outputs)[0]
    if setup.int8.facts.meaning.kind == "reconstruction":
        agreement = _reconstruction(setup, pictures, None, ours, ours)
        return replace(agreement, auc=agreement.auc and replace(agreement.auc, host_auc=None))
    return Agreement(None, replace(_accuracy(setup, pictures, ours, ours), host_top1=None))


def _accuracy(setup: Setup, pictures: Pictures, ours: Values, theirs: Values) -> AccuracySection:
    """Return the accuracy of outputs (n, classes) or (n, 1)."""
    assert pictures.truth is not None
    meaning, end, truth = setup.int8.facts.meaning, setup.int8.facts.outputs[0], pictures.truth[: len(ours)]
    if meaning.threshold is None:
        return figures.accuracy(ours, truth, theirs, setup.data.name)
    shares = [float((meaning.predicted(raw, end.scale, end.zero_point) == truth).mean()) for raw in (ours, theirs)]
    return AccuracySection(setup.data.name, len(truth), shares[0], host_top1=shares[1])


def _reconstruction(
    setup: Setup, pictures: Pictures, exactness: ExactnessSection | None, ours: Values, theirs: Values
) -> Agreement:
    """Return the AUC of outputs (n, size) that are the inputs again; none if one kind was not run yet."""
    assert pictures.truth is not None
    facts, n = setup.int8.facts, len(ours)
    truth = pictures.truth[:n]
    if len(np.unique(truth)) < 2:
        return Agreement(exactness, why_not="AUC needs normal inputs and anomalies")
    real = _real(pictures.inputs.reshape(len(pictures.inputs), -1), facts.input)
    inputs = (real if pictures.real is None else pictures.real)[:n]
    outputs, reference = (_real(values, facts.outputs[0]) for values in (ours, theirs))
    return Agreement(exactness, auc=figures.reconstruction_auc(inputs, outputs, reference, truth, setup.data.name))


def _real(values: Values, tensor: QuantizedTensor) -> npt.NDArray[np.float32]:
    """Return the real values of stored ones."""
    if not tensor.scale:
        return values.astype(np.float32)
    return ((values.astype(np.float32) - tensor.zero_point) * np.float32(tensor.scale)).astype(np.float32)
