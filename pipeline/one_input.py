"""One input for a device: a picture of the user's or of the data set, or random numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL.Image import Image

from datasets import Dataset, Split, empty_split
from datasets.files import UNREADABLE, decode
from errors import ConfigError
from measure import setup as setups
from measure.setup import RANDOM, Setup


def choose(setup: Setup, picture: Path | None = None) -> tuple[bytes, str]:
    """Return the bytes of all inputs, and where they are from. Raises ConfigError if the model takes no picture."""
    if picture is not None:
        setup = replace(setup, data=_one_picture(setup, picture))
        return setups.prepare_pictures(setup).first, picture.name
    if len(setup.data.test) and setups.suits(setup):
        return setups.prepare_pictures(setup).first, f"a picture of {setup.data.name}"
    return setups.prepare_pictures(setups.with_random_inputs(setup)).first, RANDOM


def check_picture(path: Path) -> None:
    """Raise ConfigError if a file is not a picture that can be read."""
    if not path.is_file():
        raise ConfigError(f"--picture {path}: no such file; expected a picture such as a PNG or JPEG")
    _decoded(path)


def _decoded(path: Path) -> Image:
    try:
        return decode(path).picture
    except UNREADABLE as e:
        raise ConfigError(f"--picture {path}: can't be read as a picture ({e})") from e


def _one_picture(setup: Setup, path: Path) -> Dataset:
    """Return a data set of one picture. Raises ConfigError if it is not one, or not for this model."""
    if not setup.int8.facts.input.is_picture or setup.int8.facts.more_inputs:
        raise ConfigError(f"--picture {path}: {setup.int8.name} does not take a picture; leave --picture out")
    decoded = _decoded(path)
    test = Split(np.zeros(1, np.int64), lambda index: decoded)
    return Dataset(path.name, (), empty_split(), test, str(path))
