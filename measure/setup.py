"""What is measured and how: a compiled artifact on a target, with the test pictures of a data set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from artifact import Artifact, ImageFacts
from calibration import evaluate
from calibration import labels as label_maps
from calibration.convert import Int8Facts
from calibration.evaluate import Integers
from datasets import Dataset, digest_of, prepare_many, sample
from errors import ConfigError
from target import Target

# Default number of test pictures; an emulator needs seconds for each.
IMAGES = {"host": 1000, "hardware": 1000, "emulated": 20}
LINUX_IMAGES = 1000  # emulated too: it runs many instructions at once


@dataclass(frozen=True)
class Settings:
    """How to measure: `images` None for the target's usual number, 0 for the whole test split.

    `threads` 0 is for the fastest number, found by trials; `runtime` and `accept_new` are for boards over SSH.
    """

    images: int | None
    seed: int
    threads: int
    kernels: str
    link: str | None
    fresh: bool
    runtime: str
    accept_new: bool
    device: str | None


@dataclass(frozen=True)
class Setup:
    """What is measured: the artifact that the target runs, the int8 network that it was compiled from, and the data."""

    target: Target
    compiled: Artifact[ImageFacts]
    int8: Artifact[Int8Facts]
    data: Dataset
    settings: Settings

    @property
    def is_linux(self) -> bool:
        """Whether an agent on Linux runs the artifact, not a microcontroller."""
        return self.target.kind != "mcu"

    @property
    def reference_kernels(self) -> str:
        """LiteRT's kernels on this host whose bytes the device's are compared with: those of its numeric profile."""
        return self.settings.kernels if self.compiled.kind == "litert" else "reference"


@dataclass(frozen=True, eq=False)
class Pictures:
    """The test pictures of a setup, the same for each target.

    `pixels` are uint8 (n, h, w, c), `inputs` the same as the model's input tensor has them; `truth` is the right class
    of each (n,), None if the model's classes are not those of the data set; `digest` is that of the pixels.
    """

    pixels: npt.NDArray[np.uint8]
    inputs: Integers
    truth: npt.NDArray[np.int64] | None
    digest: str

    @property
    def first(self) -> bytes:
        """The first picture as the model takes it."""
        return self.inputs[:1].tobytes()


def prepare_pictures(setup: Setup) -> Pictures:
    """Return the test pictures that the settings name. Raises ConfigError if the data set has none."""
    facts, test = setup.int8.facts, setup.data.test
    indices = _indices(setup)
    _, height, width, channels = facts.input_shape
    pixels = prepare_many(test, indices, (height, width), channels)
    classes = label_maps.align(facts.labels, setup.data.class_names, facts.output.shape[-1])
    truth = None if classes is None else classes[test.labels[indices]]
    inputs = evaluate.quantize(pixels, facts.input_range, facts.input)
    return Pictures(pixels, inputs, truth, digest_of(pixels))


def _indices(setup: Setup) -> npt.NDArray[np.int64]:
    images, test = setup.settings.images, setup.data.test
    if not len(test):
        raise ConfigError(f"--data {setup.data.name}: expected pictures to test with, has none")
    if images == 0:
        return sample(test, None)
    usual = LINUX_IMAGES if setup.is_linux else IMAGES[setup.target.measured_on]
    return sample(test, min(usual, len(test)) if images is None else images, setup.settings.seed)
