"""What is measured and how: a compiled artifact on a target, with the test pictures of a data set."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from artifact import Artifact, ImageFacts
from calibration import evaluate
from calibration import labels as label_maps
from calibration.checks import QuantizedTensor
from calibration.convert import Int8Facts, expect_range
from calibration.evaluate import Values
from compilers.edgetpu import EdgeTpuFacts
from datasets import Dataset, Split, array_split, digest_of, empty_split, prepare_many, sample
from deploy.lab.held import Held
from errors import ConfigError
from measure.report import LabSection
from target import Target

# Default number of test pictures; an emulator needs seconds for each.
IMAGES = {"host": 1000, "hardware": 1000, "emulated": 20}
LINUX_IMAGES = 1000  # emulated too: it runs many instructions at once
RANDOM = "random inputs"
RANDOM_SEED = 0


@dataclass(frozen=True)
class Settings:
    """How to measure: `images` None for the target's usual number, 0 for the whole test split.

    `threads` 0 is for the fastest number, found by trials; `runtime` and `accept_new` are for boards over SSH;
    `give_up_s` is how long to wait for a device that is lost in mid-run.
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
    allow_mismatch: bool = False
    flasher: str = ""
    give_up_s: float = 0.0


@dataclass(frozen=True)
class Setup:
    """What is measured: the artifact that the target runs, the int8 network that it was compiled from, and the data.

    `held` is the place of a lab where the device is, None elsewhere, and `lab` what the report says of it.
    """

    target: Target
    compiled: Artifact[ImageFacts]
    int8: Artifact[Int8Facts]
    data: Dataset
    settings: Settings
    held: Held | None = None
    lab: LabSection | None = None

    @property
    def is_linux(self) -> bool:
        """Whether an agent on Linux runs the artifact, not a microcontroller."""
        return self.target.kind != "mcu"

    @property
    def has_reference(self) -> bool:
        """Whether LiteRT on this host can run the model: not a file for the Edge TPU without its source."""
        facts = self.compiled.facts
        return not (isinstance(facts, EdgeTpuFacts) and facts.mapping.predicted is None)

    @property
    def reference_kernels(self) -> str:
        """LiteRT's kernels on this host whose bytes the device's are compared with: those of its numeric profile."""
        return self.settings.kernels if self.compiled.kind == "litert" else "reference"


@dataclass(frozen=True, eq=False)
class Pictures:
    """The test pictures (or arrays) of a setup, the same for each target.

    `inputs` (n, ...) are as the model's input tensor has them, for a model of several inputs the bytes (n, bytes) of
    all of them, one behind the other in the model's order; `truth` is the right class of each (n,), or 0 (normal)
    and 1 (anomaly) for a network that gives its input again; None where accuracy has no meaning, as `why_not` says.
    `real` are the inputs as real values, where they are known. `digest` is that of the pixels or of the array.
    """

    inputs: Values
    truth: npt.NDArray[np.int64] | None
    digest: str
    why_not: str = ""
    real: npt.NDArray[np.float32] | None = None

    @property
    def first(self) -> bytes:
        """The first picture as the model takes it."""
        return self.inputs[:1].tobytes()


def in_place(setup: Setup, held: Held | None) -> Setup:
    """Return the setup with its device in a place of a lab. Its link is that very place, whatever was asked for."""
    if held is None:
        return setup
    line = held.line
    lab = LabSection(held.holding.place, held.holding.coordinator, line.exporter, line.cls)
    return replace(setup, held=held, lab=lab, settings=replace(setup.settings, link=held.link))


def prepare_pictures(setup: Setup) -> Pictures:
    """Return the test pictures that the settings name.

    Raises ConfigError if the data set has none, or none of the shape that the model takes.
    """
    facts, test = setup.int8.facts, setup.data.test
    indices = picture_indices(setup)
    truth, why_not = _truth(setup, indices)
    if test.array is not None:
        x = test.array[indices]
        if facts.more_inputs:
            return Pictures(x, truth, digest_of(x), why_not)
        inputs = evaluate.inputs_of_array(x, facts.input_range, facts.input, f"--data {setup.data.name}")
        real = x.astype(np.float32).reshape(len(x), -1) if x.dtype.kind == "f" else None
        return Pictures(inputs, truth, digest_of(x), why_not, real)
    if not facts.input.is_picture:
        shape = "x".join(map(str, facts.input_shape))
        raise ConfigError(
            f"--data {setup.data.name}: it has pictures, and the model's input is {shape}, which is not a picture of "
            "1 or 3 channels; give --data npz:FILE with x_test of that shape, or leave --data out for random inputs"
        )
    _, height, width, channels = facts.input_shape
    pixels = prepare_many(test, indices, (height, width), channels)
    inputs = evaluate.quantize(pixels, expect_range(facts, setup.int8.name), facts.input)
    return Pictures(inputs, truth, digest_of(pixels), why_not)


def _truth(setup: Setup, indices: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64] | None, str]:
    """Return what is right for each picture, or None and the reason why nothing is."""
    facts, data = setup.int8.facts, setup.data
    meaning, labels = facts.meaning, data.test.labels[indices]
    if not data.class_names:
        return None, "the inputs are random" if data.name == RANDOM else f"{data.name} is not the model's own data"
    if meaning.kind == "none":
        return None, meaning.reason
    if meaning.kind == "reconstruction":
        if sorted(set(labels.tolist())) == [0, 1]:
            return labels, ""
        return None, f"{meaning.reason}; for its AUC, labels must be 0 (normal) and 1 (anomaly)"
    classes = label_maps.align(facts.labels, data.class_names, facts.classes or 0)
    if classes is None:
        return None, f"the {facts.classes} classes of the model are not the {len(data.class_names)} of {data.name}"
    return classes[labels], ""


def with_random_inputs(setup: Setup) -> Setup:
    """Return the setup with random inputs in place of its data set: uniform over what the input tensors hold."""
    facts, rng = setup.int8.facts, np.random.default_rng(RANDOM_SEED)
    parts = [_random(rng, tensor, facts.input_range) for tensor in facts.inputs]
    x = parts[0]
    if facts.more_inputs:
        x = np.concatenate([part.reshape(len(part), -1).view(np.uint8) for part in parts], axis=1)
    test: Split = array_split(x, np.zeros(len(x), np.int64))
    return replace(setup, data=Dataset(RANDOM, (), empty_split(), test, "a generator of random numbers"))


def without_classes(setup: Setup) -> Setup:
    """Return the setup with a data set whose pictures are inputs alone: their classes are not the model's."""
    return replace(setup, data=replace(setup.data, class_names=()))


def _random(rng: np.random.Generator, tensor: QuantizedTensor, reals: tuple[float, float] | None) -> Values:
    """Return random values (n, ...) for an input; those of a float32 one are within `reals`."""
    shape = (LINUX_IMAGES, *tensor.shape[1:]) if len(tensor.shape) > 1 else (LINUX_IMAGES, tensor.size)
    if tensor.dtype == "float32":
        return rng.uniform(*(reals or (-1.0, 1.0)), shape).astype(np.float32)
    info = np.iinfo(tensor.dtype)
    return rng.integers(info.min, info.max, shape, tensor.dtype, endpoint=True)


def suits(setup: Setup) -> bool:
    """Return whether the model takes what the data set has: arrays, or pictures whose range of values is known."""
    facts = setup.int8.facts
    if facts.more_inputs:
        return False
    return setup.data.test.array is not None or (facts.input.is_picture and facts.input_range is not None)


def picture_indices(setup: Setup) -> npt.NDArray[np.int64]:
    """Return which examples of the test split are measured, (n,). Raises ConfigError if there are none."""
    images, test = setup.settings.images, setup.data.test
    if not len(test):
        raise ConfigError(f"--data {setup.data.name}: expected pictures to test with, has none")
    if images == 0:
        return sample(test, None)
    usual = LINUX_IMAGES if setup.is_linux else IMAGES[setup.target.measured_on]
    return sample(test, min(usual, len(test)) if images is None else images, setup.settings.seed)
