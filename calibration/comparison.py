"""How the int8 form of a network compares with the float one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Comparison:
    """The float and the int8 model on `n` held-out pictures of a data set: how often they agree, as a fraction.

    `agreement` is that of calibration.agreement. The top-1 of both are None where the model's classes
    are not those of the data set.
    """

    n: int
    dataset: str
    agreement: float
    float_top1: float | None = None
    int8_top1: float | None = None
