"""How often two forms of a network say the same, for outputs of any kind."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from calibration.checks import QuantizedTensor
from calibration.evaluate import Values
from calibration.improve import score
from calibration.meaning import Meaning

_NUMBER = re.compile(r":(\d+)$")


def agreement(
    exact: Sequence[npt.NDArray[np.float32]],
    coarse: Sequence[Values],
    tensors: Sequence[QuantizedTensor],
    meaning: Meaning,
) -> float:
    """Return the fraction of cases in which float outputs (n, ...) and stored ones (n, size) say the same.

    Of a vector, and of each place of a map, it counts whether the largest is the same one; of a single value, whether
    both are on the same side of the threshold, or within a step. `tensors` describes `coarse`; several outputs count
    alike.
    """  # fmt: skip
    shares = [_of_one(one, other, tensor, meaning) for one, other, tensor in zip(exact, coarse, tensors, strict=True)]
    return float(np.mean(shares))


def divergence(
    exact: Sequence[npt.NDArray[np.float32]], coarse: Sequence[Values], tensors: Sequence[QuantizedTensor]
) -> float | None:
    """Return the mean Kullback-Leibler divergence of stored probabilities (n, size) from float ones, in nats.

    None for other outputs, and for several.
    """
    if len(tensors) != 1:
        return None
    tensor, real = tensors[0], exact[0].reshape(len(exact[0]), -1).astype(np.float64)
    if not score.are_probabilities(real):
        return None
    return score.divergence(real, (coarse[0].astype(np.float64) - tensor.zero_point) * (tensor.scale or 1.0))


def _of_one(exact: npt.NDArray[np.float32], stored: Values, tensor: QuantizedTensor, meaning: Meaning) -> float:
    last = exact.shape[-1] if exact.ndim > 1 else 1
    if last > 1:
        one, other = (values.reshape(-1, last).argmax(axis=1) for values in (exact, stored))
        return float((one == other).mean())
    real = tensor.scale * (stored.astype(np.float64) - tensor.zero_point) if tensor.scale else stored
    exact = exact.reshape(real.shape)
    if meaning.threshold is None:
        return float((np.abs(exact - real) <= (tensor.scale or np.finfo(np.float32).eps)).mean())
    return float(((exact > meaning.threshold) == (real > meaning.threshold)).mean())


def in_order(
    exact: Sequence[npt.NDArray[np.float32]], tensors: Sequence[QuantizedTensor]
) -> list[npt.NDArray[np.float32]]:
    """Return Keras's outputs in the order of a converted file, whose tensors the converter names by their number."""
    numbers = [int(match[1]) if (match := _NUMBER.search(tensor.name)) else -1 for tensor in tensors]
    by_number = sorted(numbers) == list(range(len(exact)))
    chosen = [exact[number] for number in numbers] if by_number else list(exact)
    return chosen if [x[0].size for x in chosen] == [t.size for t in tensors] else list(exact)
