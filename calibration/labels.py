"""Class numbers of a data set and of a model need not be the same; names decide."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def align(model_labels: Sequence[str], class_names: Sequence[str], classes: int) -> npt.NDArray[np.int64] | None:
    """Return the model's class number for each class of the data set, or None if they are not about the same things.

    Matched by name where the model has labels; by number where it has none and the counts agree.
    """
    if not model_labels:
        return np.arange(classes) if len(class_names) == classes else None
    numbers = {name: i for i, name in enumerate(model_labels)}
    if not all(name in numbers for name in class_names):
        return None
    return np.array([numbers[name] for name in class_names], np.int64)
