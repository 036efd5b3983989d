"""`.npz` files as data sets: uint8 pictures, or arrays of the shape that a network takes. Sizes are checked first."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from datasets.archive import read_arrays
from datasets.pictures import Array, Dataset, Split, array_split, empty_split, key_of
from errors import ConfigError

KEYS = ("x_train", "y_train", "x_test", "y_test")
MAX_CLASSES = 1 << 16


def load_npz(path: Path) -> Dataset:
    """Return the data set in x_train, y_train, x_test, y_test (integer labels) and, if there, class_names.

    uint8 of shape (n, h, w), (n, h, w, 1) or (n, h, w, 3) are pictures; other shapes, and real numbers and integers
    of other types, are arrays. x_train and y_train may both be absent. Raises ConfigError if the file cannot be read,
    claims more than fits, or has other arrays than these.
    """
    if not path.is_file():
        raise ConfigError(f"--data npz:{path}: no such file")
    arrays = read_arrays(path, (*KEYS, "class_names"))
    needed = KEYS if "x_train" in arrays or "y_train" in arrays else KEYS[2:]
    for key in needed:
        if key not in arrays:
            raise ConfigError(f"{path}: key {key} is missing; expected x_train, y_train, x_test, y_test")
    test = _split(path, "test", arrays["x_test"], arrays["y_test"])
    train = _split(path, "train", arrays["x_train"], arrays["y_train"]) if "x_train" in arrays else empty_split()
    classes = 1 + max(int(split.labels.max(initial=0)) for split in (train, test))
    names = tuple(str(n) for n in np.atleast_1d(arrays.get("class_names", np.arange(classes))))
    if len(names) < classes:
        raise ConfigError(f"{path}: key class_names has {len(names)} names, the labels go to {classes - 1}")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    key = key_of(path, names)
    return Dataset(f"npz:{path.name}", names, train, test, str(path), key=key, digest=digest)


def _split(path: Path, name: str, x: Array, y: Array) -> Split:
    if x.ndim < 2 or x.dtype.kind not in "fiu" or x.itemsize > 8:
        raise ConfigError(
            f"{path}: key x_{name}: expected uint8 pictures of shape (n, h, w), (n, h, w, 1) or (n, h, w, 3), or "
            f"numbers of the shape that the model takes, got {x.dtype} of {x.shape}"
        )
    is_labels = y.dtype.kind in "iu" and y.size == len(x) > 0
    if is_labels and int(y.max()) >= MAX_CLASSES:
        raise ConfigError(
            f"{path}: key y_{name}: expected integers from 0 to {MAX_CLASSES - 1}, got {int(y.max())}; "
            "number the classes from 0 up"
        )
    if not is_labels or int(y.min()) < 0:
        raise ConfigError(f"{path}: key y_{name}: expected {len(x)} integers from 0 up, got {y.dtype} of {y.shape}")
    labels = y.reshape(-1).astype(np.int64)
    if x.dtype == np.uint8 and (x.ndim == 3 or (x.ndim == 4 and x.shape[3] in (1, 3))):
        pixels = x.astype(np.uint8, copy=False)
        return of_pictures(pixels[..., 0] if x.ndim == 4 and x.shape[3] == 1 else pixels, labels)
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        raise ConfigError(f"{path}: key x_{name}: it has values that are not finite; replace them")
    return array_split(x, labels)


def of_pictures(pixels: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64]) -> Split:
    """Return the split of uint8 pictures (n, h, w) or (n, h, w, 3) and their labels (n,)."""
    return Split(labels, lambda i: Image.fromarray(pixels[i]))
