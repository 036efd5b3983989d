"""How the int8 form of a network compares with the float one, and what was done so that it loses little."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Comparison:
    """The float and the int8 model on `n` held-out pictures of a data set: how often they agree, as a fraction.

    `agreement` is that of calibration.agreement. The top-1 of both are None where the model's classes
    are not those of the data set. `divergence` is the mean Kullback-Leibler divergence of the int8 model's
    probabilities from the float ones, in nats; None where the outputs are not probabilities.
    """

    n: int
    dataset: str
    agreement: float
    float_top1: float | None = None
    int8_top1: float | None = None
    divergence: float | None = None


@dataclass(frozen=True)
class StepScore:
    """One step towards int8 and how far int8 is from float with it, on held-out pictures of the training split.

    `distance` is the mean Kullback-Leibler divergence in nats, or the relative squared error of outputs that are not
    probabilities; `agreement` the fraction of pictures of the same class, None where outputs are not classes.
    """

    name: str
    distance: float
    agreement: float | None
    is_kept: bool = True


@dataclass(frozen=True)
class TensorCost:
    """A tensor that is rounded to int8 and what that costs alone, by a second-order estimate: a distance as above."""

    name: str
    cost: float


@dataclass(frozen=True)
class Improvement:
    """What was tried to lose less than the plain conversion does.

    `refusal` says why the plain conversion is used after all, "" where it is not. `pictures` is the number of
    held-out training pictures that decided; `tensors` are the costliest first, as the improved network has them.
    `plain` is the plain conversion on the test pictures.
    """

    refusal: str = ""
    pictures: int = 0
    steps: tuple[StepScore, ...] = ()
    tensors: tuple[TensorCost, ...] = ()
    plain: Comparison | None = None
