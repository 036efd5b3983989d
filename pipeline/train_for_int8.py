"""`inv train --quantize`: its options, and what it prints."""

from __future__ import annotations

from pathlib import Path

import console
from calibration.aware import run
from errors import ConfigError
from models import weights
from models.checkpoint import CheckpointFacts
from pipeline import preflight
from pipeline.task_options import TrainOptions

OF_FLOAT = ("stages", "frozen_epochs", "patience", "mixup", "no_color")
"""Options that say how to train in float."""


def train(chosen: TrainOptions, command: str) -> tuple[Path, CheckpointFacts]:
    """Train the float checkpoint of a preset for int8; return the path and the facts of the new one.

    Raises ConfigError for options that do not go with it.
    """
    for name in OF_FLOAT:
        if getattr(chosen, name) != getattr(TrainOptions, name):
            raise ConfigError(f"--{name.replace('_', '-')}: not with --quantize, which takes --steps; leave it out")
    preflight.check_disk(Path(chosen.out).parent if chosen.out else weights.TRAINED_DIR)
    wishes = run.Wishes(
        run.STEPS if chosen.steps is None else chosen.steps,
        run.BATCH if chosen.batch is None else chosen.batch,
        run.LEARNING_RATE if chosen.learning_rate is None else chosen.learning_rate,
        flip=not chosen.no_flip,
        seed=chosen.seed,
    )
    path, facts, outcome = run.run(
        chosen.model, chosen.data, chosen.weights, chosen.channels, wishes, chosen.out, command
    )
    if not chosen.json:
        columns = [("", "left"), ("float", "right"), ("int8", "right"), ("agreement", "right")]
        console.table(f"top-1 on all {outcome.pictures:,} test pictures", columns, run.rows(outcome))
    return path, facts
