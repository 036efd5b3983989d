"""How far the outputs of a network in int8 are from those in float."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.folded.graph import Floats

STEP = 1 / 256
"""Step of an int8 softmax. It is added to each probability, so that one rounded to 0 costs no more than that."""

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """`distance` is the mean Kullback-Leibler divergence in nats, smoothed, where the outputs are probabilities.

    Of other outputs it is the mean squared error over the variance of the float outputs. `agreement` is the fraction
    with the same largest output, 0 to 1; None where the network has one output, which has no class.
    """

    distance: float
    agreement: float | None


def score(exact: Floats, coarse: Floats) -> Score:
    """Return how far `coarse` (n, ...) is from `exact`."""
    one, other = (values.reshape(len(values), -1).astype(np.float64) for values in (exact, coarse))
    same = float((one.argmax(axis=1) == other.argmax(axis=1)).mean()) if one.shape[1] > 1 else None
    return Score(divergence(one, other) if are_probabilities(one) else _relative_error(one, other), same)


def are_probabilities(values: Doubles) -> bool:
    """Return whether each of the vectors (n, classes) is of positive numbers whose sum is 1."""
    return values.shape[1] > 1 and bool(values.min() >= 0 and np.abs(values.sum(axis=1) - 1).max() < 1e-3)


def divergence(exact: Doubles, coarse: Doubles) -> float:
    """Return the mean Kullback-Leibler divergence of probabilities (n, classes) from the exact ones, in nats.

    Each is smoothed by a step of an int8 softmax.
    """
    one, other = _smoothed(exact), _smoothed(coarse)
    return float((one * (np.log(one) - np.log(other))).sum(axis=1).mean())


def _smoothed(values: Doubles) -> Doubles:
    values = values + STEP
    smoothed: Doubles = values / values.sum(axis=1, keepdims=True)
    return smoothed


def _relative_error(exact: Doubles, coarse: Doubles) -> float:
    return float(np.square(exact - coarse).mean() / max(float(exact.var()), 1e-30))
