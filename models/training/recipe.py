"""How to train: what the options say, and what follows from the size of the data set. No TensorFlow."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from errors import ConfigError
from models.presets import RHO_MAX, RHO_MIN, Preset

BATCH = 64
LEARNING_RATE = 3e-3
FINE_TUNING_RATE = 1e-3
"""Of a network that begins with trained weights: a higher rate loses what they know."""
SMALL = 5000
"""A data set of fewer pictures is trained from known weights, with stronger augmentation, and stops early."""
EPOCHS = (3, 6)
"""Of the two stages by default, at half of rho and at rho."""
STEPS_MIN = 400
"""Steps that a training has by default: fewer leave the moving averages of batch normalization where they began."""
FROZEN_PART = 0.1
"""Epochs with a frozen base, as a part of all others."""
PATIENCE_PART = 0.3
"""Epochs without a better result after which training stops, as a part of those of the last stage."""
COLOR = 0.2
SETTLED_STEPS = 500
"""With a momentum of 0.99 the moving statistics have forgotten their beginning by then (0.99 ** 500 = 0.7 %)."""
MOMENTUM = (0.8, 0.99)


@dataclass(frozen=True)
class Recipe:
    """How to train.

    `stages` are (side in pixels, epochs), at falling cosine learning rate over all of them. Before them come
    `frozen_epochs` at the first side, in which only the classifier learns. With `patience` a part of the training
    pictures is held out; the last stage ends after so many epochs without a lower loss on them, and its best epoch is
    kept. 0 is for all epochs and the last one. `color` is the largest relative change of brightness, contrast and
    saturation, `mixup` the parameter of the beta distribution by which pairs of pictures are mixed; 0 is for none.
    """

    stages: tuple[tuple[int, int], ...]
    batch: int = BATCH
    learning_rate: float = LEARNING_RATE
    weight_decay: float = 1e-2
    warmup_epochs: float = 0.5
    flip: bool = True
    seed: int = 1
    frozen_epochs: int = 0
    patience: int = 0
    color: float = 0.0
    mixup: float = 0.0

    @property
    def epochs(self) -> int:
        """Epochs in all, the frozen ones included."""
        return self.frozen_epochs + self.stage_epochs

    @property
    def stage_epochs(self) -> int:
        """Epochs of all stages."""
        return sum(epochs for _, epochs in self.stages)

    @property
    def last_stage(self) -> int:
        """The first epoch of the last stage, counted from 0."""
        return self.epochs - self.stages[-1][1]

    def side_of(self, epoch: int) -> int:
        """Side of the pictures in pixels in an epoch counted from 0."""
        epoch = max(0, epoch - self.frozen_epochs)
        for side, epochs in self.stages:
            if epoch < epochs:
                return side
            epoch -= epochs
        raise ValueError(f"the recipe has {self.epochs} epochs")

    def steps(self, pictures: int) -> int:
        """Steps of an epoch of so many pictures."""
        return math.ceil(pictures / self.batch)

    def settles(self, pictures: int) -> bool:
        """Whether the moving statistics have forgotten their beginning at the end of the last stage."""
        return self.stages[-1][1] * self.steps(pictures) >= SETTLED_STEPS

    def momentum(self, pictures: int) -> float:
        """Momentum of the moving statistics: over the last stage they forget all but 0.7 % of their beginning."""
        low, high = MOMENTUM
        return min(high, max(low, 1 - 5 / (self.stages[-1][1] * self.steps(pictures))))


@dataclass(frozen=True)
class Wishes:
    """What the user said of the recipe; None where the data set decides."""

    stages: str | None = None
    batch: int | None = None
    learning_rate: float | None = None
    frozen_epochs: int | None = None
    patience: int | None = None
    mixup: float = 0.0
    no_flip: bool = False
    no_color: bool = False
    seed: int = 1


def recipe_for(wishes: Wishes, preset: Preset, pictures: int, begins_trained: bool, new_classifier: bool) -> Recipe:
    """Return the recipe for so many training pictures.

    `begins_trained` says that the network begins with trained weights, `new_classifier` that its classifier does not.
    Raises ConfigError if an option can't be.
    """
    batch = batch_for(pictures) if wishes.batch is None else wishes.batch
    rate = wishes.learning_rate
    if rate is None:
        rate = FINE_TUNING_RATE if begins_trained else LEARNING_RATE
    if batch < 1 or not 0 < rate < 1:
        raise ConfigError(f"--batch {batch} --learning-rate {rate}: expected 1 or more, and 0 to 1")
    is_small = pictures < SMALL
    stages = parse_stages(wishes.stages, preset, steps=math.ceil(pictures / batch))
    recipe = Recipe(
        stages,
        batch=batch,
        learning_rate=rate,
        flip=not wishes.no_flip,
        seed=wishes.seed,
        color=COLOR if is_small and not wishes.no_color else 0.0,
        mixup=wishes.mixup,
    )
    frozen, patience = wishes.frozen_epochs, wishes.patience
    if frozen is None:
        frozen = math.ceil(FROZEN_PART * recipe.stage_epochs) if begins_trained and new_classifier else 0
    if frozen and not begins_trained:
        raise ConfigError(
            f"--frozen-epochs {frozen}: a network with random weights has no base to freeze; leave it out"
        )
    if patience is None:
        patience = max(3, math.ceil(PATIENCE_PART * stages[-1][1])) if is_small else 0
    return replace(recipe, frozen_epochs=frozen, patience=patience)


def batch_for(pictures: int) -> int:
    """Return the pictures of a step: 64, or about an eighth of a small data set, so that an epoch has some steps."""
    return min(BATCH, max(8, pictures // 8))


def parse_stages(text: str | None, preset: Preset, steps: int) -> tuple[tuple[int, int], ...]:
    """Return (side in pixels, epochs) of each stage, by default for a data set of so many steps an epoch.

    Raises ConfigError if they can't be.
    """
    if text is None:
        times = max(1, math.ceil(STEPS_MIN / (sum(EPOCHS) * steps)))
        return ((max(RHO_MIN, preset.rho // 2), EPOCHS[0] * times), (preset.rho, EPOCHS[1] * times))
    try:
        stages = tuple((int(side), int(epochs)) for side, epochs in (part.split(":") for part in text.split(",")))
    except ValueError:
        raise ConfigError(f"--stages {text}: expected SIDE:EPOCHS[,SIDE:EPOCHS...], such as 64:3,128:6") from None
    for side, epochs in stages:
        if not RHO_MIN <= side <= RHO_MAX or epochs < 1:
            raise ConfigError(
                f"--stages {text}: sides are {RHO_MIN} to {RHO_MAX} pixels and epochs 1 or more, got {side}:{epochs}"
            )
    return stages
