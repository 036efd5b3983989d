"""Figures of the report from raw answers: accuracy, equality of bytes, memory."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from calibration.evaluate import Integers
from deploy.info import DeviceInfo, Stats
from measure.report import AccuracySection, ExactnessSection


def accuracy(raw: Integers, truth: npt.NDArray[np.int64], reference: Integers, dataset: str) -> AccuracySection:
    """Return top-1, top-5 (where there are more classes than five) and the reference's top-1, as fractions.

    `raw` and `reference` are outputs (n, classes), `truth` the right classes (n,).
    """
    order = np.argsort(-raw.astype(np.int32), axis=1, kind="stable")
    return AccuracySection(
        dataset=dataset,
        n=len(truth),
        top1=float((order[:, 0] == truth).mean()),
        top5=float((order[:, :5] == truth[:, None]).any(axis=1).mean()) if raw.shape[1] > 5 else None,
        host_top1=top1(reference, truth),
    )


def top1(raw: Integers, truth: npt.NDArray[np.int64]) -> float:
    """Return the fraction of outputs (n, classes) whose largest, the first of equals, is the right class."""
    return float((raw.argmax(axis=1) == truth).mean())


def exactness(raw: Integers, reference: Integers, oracle: str) -> ExactnessSection:
    """Return how many outputs equal the oracle's byte for byte, and the largest difference in quantized units."""
    difference = np.abs(raw.astype(np.int32) - reference.astype(np.int32))
    equal = int((difference.max(axis=1) == 0).sum())
    return ExactnessSection(oracle, len(raw), equal, int(difference.max()))


def memory(info: DeviceInfo, stats: Stats, planned: Mapping[str, int]) -> dict[str, int]:
    """Return bytes by name: what the build planned, what the device says, what it counted while running."""
    counted = {"stack_used": stats.stack_used, "peak_rss": stats.peak_rss}
    known = {name: size for name, size in counted.items() if size is not None}
    return {**planned, **info.memory, **known}
