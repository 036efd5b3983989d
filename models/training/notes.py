"""What the user of `inv train` should know of the data set and of the result."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from datasets import Dataset
from models.checkpoint import CheckpointFacts

FEW_PICTURES = 20
NEAR_CHANCE = 1.2
GAP = 0.15


def before(data: Dataset, weights: str | None) -> Iterator[str]:
    """Yield what to know before training: the weights to begin with, and classes with few pictures."""
    if weights not in (None, "random", "imagenet"):
        yield f"begins with the weights of {Path(weights).name}; --weights random begins with none"
    counts = np.bincount(data.train.labels, minlength=len(data.class_names))
    few = [f"{name} {count}" for name, count in zip(data.class_names, counts, strict=True) if count < FEW_PICTURES]
    if few:
        more = f" and {len(few) - 5} more" if len(few) > 5 else ""
        yield f"classes of fewer than {FEW_PICTURES} training pictures: {', '.join(few[:5])}{more}"
    if np.count_nonzero(counts) == 1:
        yield "all training pictures are of one class: nothing can be told apart"


def after(facts: CheckpointFacts) -> Iterator[str]:
    """Yield what to know of the result: accuracy near chance, and a gap between training and test pictures."""
    assert facts.float_top1 is not None
    trained = (facts.history or ({},))[-1].get("accuracy", 0.0)
    if facts.float_top1 < NEAR_CHANCE / facts.classes:
        yield (
            f"accuracy is near chance ({100 / facts.classes:.1f} %): the network has learned nothing; look at the "
            "pictures and their folders, or train longer with --stages"
        )
    elif trained - facts.float_top1 > GAP:
        yield (
            f"{100 * trained:.1f} % of the training pictures are right and {100 * facts.float_top1:.1f} % of the test "
            "pictures: the network knows the training pictures by heart; more pictures, or fewer epochs, help"
        )
