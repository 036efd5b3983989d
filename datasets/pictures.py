"""What a data set is here: pictures read one at a time, integer labels, class names, and a test split apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from errors import ConfigError

Pixels = npt.NDArray[np.uint8]
Array: TypeAlias = "npt.NDArray[np.generic[object]]"
Size = int | tuple[int, int]
"""Height and width in pixels, or the side of a square."""


@dataclass(frozen=True)
class Split:
    """The pictures of one split.

    `labels` is int64 of shape (n,); `read(i)` returns picture i as PIL has it (any size, mode L or RGB);
    `damaged` names the pictures that could not be read and are not among the n. `array` (n, ...) are the examples of a
    set that has arrays, such as audio features, where others have pictures; `read` raises ConfigError then.
    """

    labels: npt.NDArray[np.int64]
    read: Callable[[int], Image.Image] = field(repr=False)
    damaged: tuple[str, ...] = ()
    array: Array | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.labels)


def empty_split() -> Split:
    """Return a split without examples."""

    def read(index: int) -> Image.Image:
        raise IndexError(index)

    return Split(np.zeros(0, np.int64), read)


def array_split(array: Array, labels: npt.NDArray[np.int64]) -> Split:
    """Return a split of arrays (n, ...) with labels (n,), which has no pictures."""

    def read(index: int) -> Image.Image:
        raise ConfigError(f"--data: expected pictures, the set has arrays of {'x'.join(map(str, array.shape[1:]))}")

    return Split(labels, read, array=array)


@dataclass(frozen=True)
class Identity:
    """What tells a data set apart from others: see Dataset."""

    name: str
    key: str
    digest: str = ""


def key_of(path: Path, class_names: Sequence[str]) -> str:
    """Return the key of a set that is a folder or a file: its last name, and a hash of its path and class names."""
    sha = hashlib.sha256(json.dumps([str(path.resolve()), *class_names]).encode())
    return f"{path.name}-{sha.hexdigest()[:8]}"


@dataclass(frozen=True)
class Dataset:
    """A named set of labeled pictures.

    `source` says where the bytes came from; `notes` are lines that the user should see, about pictures that were
    skipped or changed. `key` tells apart sets of one name, as a part of a file's name: it has a hash of the path and
    the class names where the name alone does not do. `digest` is a hash of the pictures, "" where they cannot change.
    """

    name: str
    class_names: tuple[str, ...]
    train: Split
    test: Split
    source: str
    notes: tuple[str, ...] = ()
    key: str = ""
    digest: str = ""

    @property
    def identity(self) -> Identity:
        """What tells the set apart from others."""
        return Identity(self.name, self.key or self.name, self.digest)

    @property
    def damaged(self) -> tuple[str, ...]:
        """Names of the pictures that could not be read, of both splits."""
        return self.train.damaged + self.test.damaged


def prepare(
    picture: Image.Image,
    size: Size,
    channels: int,
    box: tuple[float, float, float, float] | None = None,
    flip: bool = False,
) -> Pixels:
    """Return a picture as uint8 of shape (h, w, channels), resized bilinearly (with antialiasing, as PIL does).

    `size` is (h, w), or the side of a square. `box` is the part to take, in pixels of the picture; `flip` mirrors it
    from left to right.
    """
    mode = "L" if channels == 1 else "RGB"
    gray_source = picture.mode == "L"
    if not gray_source and picture.mode != mode:
        picture = picture.convert(mode)
    height, width = (size, size) if isinstance(size, int) else size
    if box is not None or picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.BILINEAR, box=box)
    if flip:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    pixels = np.asarray(picture, dtype=np.uint8)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, None], channels, axis=2)
    return pixels


def prepare_many(split: Split, indices: Iterable[int], size: Size, channels: int) -> Pixels:
    """Return the pictures at `indices` as uint8 of shape (n, h, w, channels); `size` as in prepare."""
    pictures = [prepare(split.read(int(i)), size, channels) for i in indices]
    height, width = (size, size) if isinstance(size, int) else size
    return np.stack(pictures) if pictures else np.zeros((0, height, width, channels), np.uint8)


def sample(split: Split, count: int | None, seed: int = 0) -> npt.NDArray[np.int64]:
    """Return `count` distinct indices, as even over the classes as the split allows; all of them for None.

    The same seed and split give the same indices, and a larger count begins with the smaller one's.
    Raises ConfigError if the split has fewer pictures.
    """
    if count is None:
        return np.arange(len(split))
    if not 0 < count <= len(split):
        raise ConfigError(f"--images {count}: the split has {len(split)} pictures; ask for 1 to {len(split)} or `all`")
    rng = np.random.default_rng(seed)
    rank = np.empty(len(split), np.int64)
    order = rng.permutation(len(split))
    for label in np.unique(split.labels):
        members = order[split.labels[order] == label]
        rank[members] = np.arange(len(members))
    position = np.empty(len(split), np.int64)
    position[order] = np.arange(len(split))
    return np.lexsort((position, rank))[:count].astype(np.int64)


def digest_of(pixels: Array, labels: Sequence[int] | npt.NDArray[np.int64] | None = None) -> str:
    """Return the sha256 (hex) of prepared inputs and their labels: what identifies a set of them by content."""
    sha = hashlib.sha256(repr((pixels.shape, str(pixels.dtype))).encode())
    sha.update(np.ascontiguousarray(pixels).tobytes())
    if labels is not None:
        sha.update(np.asarray(labels, np.int64).tobytes())
    return sha.hexdigest()
