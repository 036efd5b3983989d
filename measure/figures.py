"""Figures of the report from raw answers: accuracy, equality of bytes, memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from calibration.evaluate import Values
from deploy.info import DeviceInfo, Stats
from measure.report import AccuracySection, AucSection, ExactnessSection


def accuracy(raw: Values, truth: npt.NDArray[np.int64], reference: Values, dataset: str) -> AccuracySection:
    """Return top-1, top-5 (where there are more classes than five) and the reference's top-1, as fractions.

    `raw` and `reference` are outputs (n, classes), `truth` the right classes (n,).
    """
    order = np.argsort(-raw.astype(np.float64), axis=1, kind="stable")
    return AccuracySection(
        dataset=dataset,
        n=len(truth),
        top1=float((order[:, 0] == truth).mean()),
        top5=float((order[:, :5] == truth[:, None]).any(axis=1).mean()) if raw.shape[1] > 5 else None,
        host_top1=top1(reference, truth),
    )


def top1(raw: Values, truth: npt.NDArray[np.int64]) -> float:
    """Return the fraction of outputs (n, classes) whose largest, the first of equals, is the right class."""
    return float((raw.argmax(axis=1) == truth).mean())


def exactness(raw: Values, reference: Values, oracle: str) -> ExactnessSection:
    """Return `exactness_of` for a network of one output (n, size)."""
    return exactness_of([raw], [reference], oracle)


def exactness_of(raw: Sequence[Values], reference: Sequence[Values], oracle: str) -> ExactnessSection:
    """Return how many answers equal the oracle's byte for byte in all outputs (n, size).

    The largest difference is in quantized units, None if an output has real values.
    """
    pairs = list(zip(raw, reference, strict=True))
    same = np.ones(len(raw[0]), bool)
    for one, other in pairs:
        same &= (_bytes(one) == _bytes(other)).all(axis=1)
    is_stored = all(one.dtype.kind in "iu" for one in raw)
    largest = (
        max(int(np.abs(one.astype(np.int64) - other).max(initial=0)) for one, other in pairs) if is_stored else None
    )
    return ExactnessSection(oracle, len(same), int(same.sum()), largest)


def _bytes(values: Values) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(values).view(np.uint8).reshape(len(values), -1)


def auc(errors: npt.NDArray[np.float64], truth: npt.NDArray[np.int64]) -> float:
    """Return the area under the ROC curve of errors (n,) for `truth` 0 (normal) and 1 (anomaly).

    It is the chance that an anomaly has the larger error of the two; equal errors count half (Mann and Whitney, 1947).
    """
    normal, anomalies = np.sort(errors[truth == 0]), errors[truth == 1]
    below = np.searchsorted(normal, anomalies, "left") + np.searchsorted(normal, anomalies, "right")
    return float(below.sum() / (2 * len(normal) * len(anomalies)))


def reconstruction_auc(
    real: npt.NDArray[np.float32],
    outputs: npt.NDArray[np.float32],
    reference: npt.NDArray[np.float32],
    truth: npt.NDArray[np.int64],
    dataset: str,
) -> AucSection:
    """Return the AUC of the mean squared error between inputs and outputs, real values (n, size)."""  # fmt: skip
    scores = [np.square(real.astype(np.float64) - values).mean(axis=1) for values in (outputs, reference)]
    return AucSection(dataset, len(truth), auc(scores[0], truth), auc(scores[1], truth))


def memory(info: DeviceInfo, stats: Stats, planned: Mapping[str, int]) -> dict[str, int]:
    """Return bytes by name: what the build planned, what the device says, what it counted while running."""
    counted = {"stack_used": stats.stack_used, "peak_rss": stats.peak_rss}
    known = {name: size for name, size in counted.items() if size is not None}
    return {**planned, **info.memory, **known}
