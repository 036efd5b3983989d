"""Training a preset on a data set: the options of `inv train`, checked before TensorFlow is imported."""

from __future__ import annotations

from pathlib import Path

import console
import datasets
from models import checkpoint, presets
from models.training import beginning, data_checks, library, notes
from models.training.recipe import SMALL, Wishes, recipe_for
from models.weights import trained_path


def run(
    model: str, data: str, weights: str | None, channels: int, wishes: Wishes, out: str | None, command: str
) -> tuple[Path, checkpoint.CheckpointFacts]:
    """Train and return the checkpoint's path and its facts, which have the float top-1 over the whole test split.

    Raises ConfigError if an option can't be or nothing can be learned from the data, and TrainingError if training
    diverges.
    """
    dataset = datasets.load(data)
    data_checks.check(dataset)
    preset = presets.parse(model, len(dataset.class_names), channels)
    path = checkpoint.path_of_option(out) if out else trained_path(preset, dataset.identity)
    pictures = len(dataset.train)
    recipe_for(wishes, preset, pictures, begins_trained=True, new_classifier=True)  # before weights are downloaded
    chosen = beginning.choose(weights, preset, is_small=pictures < SMALL)
    recipe = recipe_for(wishes, preset, pictures, chosen.weights is not None, not chosen.has_classifier)
    for text in (*beginning.texts(chosen, weights), *notes.before(dataset)):
        console.note(text)
    library.start()
    from models.training import train

    facts = train.train(preset, dataset, recipe, path, command, chosen)
    for text in notes.after(facts):
        console.note(text)
    return path, facts
