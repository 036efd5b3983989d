"""The data sets that `--data` takes: fashion_mnist, cifar10, folder:DIR, npz:FILE."""

from __future__ import annotations

import gzip
import hashlib
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from datasets.archive import read_arrays
from datasets.folder import load_folder
from datasets.pictures import Dataset, Split, key_of
from errors import ConfigError, nearest

FASHION_MNIST_DIR = Path("/usr/share/datasets/fashion-mnist")
FASHION_MNIST_CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
NPZ_KEYS = ("x_train", "y_train", "x_test", "y_test")
MAX_CLASSES = 1 << 16
NAMES = ("fashion_mnist", "cifar10", "folder:DIR", "npz:FILE")


def load(spec: str) -> Dataset:
    """Return the data set that `spec` names.

    Raises ConfigError if there is none, or if its files are missing, empty or of another format.
    """
    kind, _, argument = spec.partition(":")
    if kind in ("folder", "npz") and not argument:
        raise ConfigError(f"--data {spec}: expected {kind}:PATH, got no path")
    match kind:
        case "fashion_mnist" if not argument:
            return _fashion_mnist()
        case "cifar10" if not argument:
            return _cifar10()
        case "folder":
            return load_folder(Path(argument).expanduser())
        case "npz":
            return _npz(Path(argument).expanduser())
    raise ConfigError(f"--data {spec}: no such data set; {nearest(spec, NAMES)}")


def _of_array(pixels: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64]) -> Split:
    return Split(labels, lambda i: Image.fromarray(pixels[i]))


def _fashion_mnist() -> Dataset:
    if not FASHION_MNIST_DIR.is_dir():
        return _from_keras("fashion_mnist", FASHION_MNIST_CLASSES)
    splits = {}
    for split, prefix in (("train", "train"), ("test", "t10k")):
        pixels = _read_idx(FASHION_MNIST_DIR / f"{prefix}-images-idx3-ubyte.gz", dimensions=3)
        labels = _read_idx(FASHION_MNIST_DIR / f"{prefix}-labels-idx1-ubyte.gz", dimensions=1)
        splits[split] = _of_array(pixels, labels.astype(np.int64))
    return Dataset("fashion_mnist", FASHION_MNIST_CLASSES, splits["train"], splits["test"], str(FASHION_MNIST_DIR))


def _read_idx(path: Path, dimensions: int) -> npt.NDArray[np.uint8]:
    """Read a gzipped IDX file of unsigned bytes (the MNIST format, yann.lecun.com/exdb/mnist)."""
    header = 4 + 4 * dimensions
    try:
        raw = gzip.decompress(path.read_bytes())
        magic, *shape = struct.unpack(f">{1 + dimensions}I", raw[:header])
    except (OSError, EOFError, zlib.error, struct.error) as e:
        raise ConfigError(f"{path}: can't be read as gzipped IDX ({e}); reinstall dataset-fashion-mnist") from e
    if magic != 0x0800 + dimensions or math.prod(shape) != len(raw) - header:
        raise ConfigError(f"{path}: not an IDX file of {dimensions} dimensions; reinstall dataset-fashion-mnist")
    return np.frombuffer(raw, np.uint8, offset=header).reshape(shape)


def _cifar10() -> Dataset:
    return _from_keras("cifar10", CIFAR10_CLASSES)


def _from_keras(name: str, class_names: tuple[str, ...]) -> Dataset:
    """Load through Keras, which downloads once into ~/.keras/datasets."""
    import keras

    try:
        (train_x, train_y), (test_x, test_y) = getattr(keras.datasets, name).load_data()
    except Exception as e:  # Keras raises a bare Exception when the download fails
        hint = "; or `apt install dataset-fashion-mnist`" if name == "fashion_mnist" else ""
        raise ConfigError(f"--data {name}: Keras could not download it ({e}); try again with a network{hint}") from e
    train = _of_array(train_x, train_y.reshape(-1).astype(np.int64))
    test = _of_array(test_x, test_y.reshape(-1).astype(np.int64))
    return Dataset(name, class_names, train, test, f"keras.datasets.{name}")


def _npz(path: Path) -> Dataset:
    """Read x_train, y_train, x_test, y_test (uint8 pictures, integer labels) and, if there, class_names."""
    if not path.is_file():
        raise ConfigError(f"--data npz:{path}: no such file")
    arrays = read_arrays(path, (*NPZ_KEYS, "class_names"))
    for key in NPZ_KEYS:
        if key not in arrays:
            raise ConfigError(f"{path}: key {key} is missing; expected {', '.join(NPZ_KEYS)}")
    splits = {s: _npz_split(path, s, arrays[f"x_{s}"], arrays[f"y_{s}"]) for s in ("train", "test")}
    classes = 1 + max(int(split.labels.max()) for split in splits.values())
    names = tuple(str(n) for n in np.atleast_1d(arrays.get("class_names", np.arange(classes))))
    if len(names) < classes:
        raise ConfigError(f"{path}: key class_names has {len(names)} names, the labels go to {classes - 1}")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    key = key_of(path, names)
    return Dataset(f"npz:{path.name}", names, splits["train"], splits["test"], str(path), key=key, digest=digest)


def _npz_split(path: Path, split: str, x: npt.NDArray[np.generic], y: npt.NDArray[np.generic]) -> Split:
    if x.dtype != np.uint8 or x.ndim not in (3, 4) or (x.ndim == 4 and x.shape[3] not in (1, 3)):
        raise ConfigError(
            f"{path}: key x_{split}: expected uint8 of shape (n, h, w), (n, h, w, 1) or (n, h, w, 3), "
            f"got {x.dtype} of {x.shape}"
        )
    if x.ndim == 4 and x.shape[3] == 1:
        x = x[..., 0]
    is_labels = y.dtype.kind in "iu" and y.size == len(x) > 0
    if is_labels and int(y.max()) >= MAX_CLASSES:
        raise ConfigError(
            f"{path}: key y_{split}: expected integers from 0 to {MAX_CLASSES - 1}, got {int(y.max())}; "
            "number the classes from 0 up"
        )
    if not is_labels or int(y.min()) < 0:
        raise ConfigError(f"{path}: key y_{split}: expected {len(x)} integers from 0 up, got {y.dtype} of {y.shape}")
    return _of_array(x.astype(np.uint8, copy=False), y.reshape(-1).astype(np.int64))
