"""What the user of `inv train` should know of the data set and of the result."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from datasets import Dataset
from models.checkpoint import CheckpointFacts
from models.training import data_checks

FEW_PICTURES = 20
NEAR_CHANCE = 1.2
GAP = 0.15
SHOWN = 5


def before(data: Dataset) -> Iterator[str]:
    """Yield what to know before training: classes with few pictures, or with none."""
    counts = np.bincount(data.train.labels, minlength=len(data.class_names))
    named = list(zip(data.class_names, counts, strict=True))
    absent = data_checks.without_training_pictures(data)
    few = [f"{name} {count}" for name, count in named if 0 < count < FEW_PICTURES]
    if absent:
        yield f"classes without a training picture, which are never recognized: {_first(absent)}"
    if few:
        yield f"classes of fewer than {FEW_PICTURES} training pictures: {_first(few)}"


def after(facts: CheckpointFacts) -> Iterator[str]:
    """Yield what to know of the result: accuracy near chance, and a gap between training and test pictures."""
    assert facts.float_top1 is not None
    rows = facts.history or ({},)
    kept = next((row for row in rows if row.get("epoch") == facts.kept_epoch), rows[-1])
    trained, chance = kept.get("accuracy", 0.0), _chance(facts)
    if facts.float_top1 < NEAR_CHANCE / facts.classes or facts.float_top1 <= chance:
        yield (
            f"accuracy is near chance ({100 * chance:.1f} %): the network has learned nothing; look at the "
            "pictures and their folders, or train longer with --stages"
        )
    elif trained - facts.float_top1 > GAP:
        yield (
            f"{100 * trained:.1f} % of the training pictures are right and {100 * facts.float_top1:.1f} % of the test "
            "pictures: the network knows the training pictures by heart; more pictures, or fewer epochs, help"
        )


def _chance(facts: CheckpointFacts) -> float:
    """Return the accuracy of always answering the most frequent class."""
    if facts.confusion is None:
        return 1 / facts.classes
    counts = np.asarray(facts.confusion).sum(axis=1)
    return float(counts.max() / counts.sum())


def _first(texts: list[str]) -> str:
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return ", ".join(texts[:SHOWN]) + more
