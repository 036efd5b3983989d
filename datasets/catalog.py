"""The data sets that `--data` takes: fashion_mnist, cifar10, folder:DIR, npz:FILE."""

from __future__ import annotations

import functools
import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from datasets.folder import load_folder
from datasets.npz import load_npz, of_pictures
from datasets.pictures import Dataset
from errors import ConfigError, nearest

FASHION_MNIST_DIR = Path("/usr/share/datasets/fashion-mnist")
FASHION_MNIST_CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
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
            return load_npz(Path(argument).expanduser())
    raise ConfigError(f"--data {spec}: no such data set; {nearest(spec, NAMES)}")


def _fashion_mnist() -> Dataset:
    if not FASHION_MNIST_DIR.is_dir():
        return _from_keras("fashion_mnist", FASHION_MNIST_CLASSES)
    splits = {}
    for split, prefix in (("train", "train"), ("test", "t10k")):
        pixels = _read_idx(FASHION_MNIST_DIR / f"{prefix}-images-idx3-ubyte.gz", dimensions=3)
        labels = _read_idx(FASHION_MNIST_DIR / f"{prefix}-labels-idx1-ubyte.gz", dimensions=1)
        splits[split] = of_pictures(pixels, labels.astype(np.int64))
    return Dataset("fashion_mnist", FASHION_MNIST_CLASSES, splits["train"], splits["test"], str(FASHION_MNIST_DIR))


def _read_idx(path: Path, dimensions: int) -> npt.NDArray[np.uint8]:
    """Read a gzipped IDX file of unsigned bytes (the MNIST format, yann.lecun.com/exdb/mnist)."""
    try:
        return _decoded(path, dimensions, path.stat().st_mtime_ns)
    except OSError as e:
        raise _unreadable(path, e) from e


@functools.lru_cache(maxsize=4)  # a command that measures several networks loads the set for each
def _decoded(path: Path, dimensions: int, changed_ns: int) -> npt.NDArray[np.uint8]:
    header = 4 + 4 * dimensions
    try:
        raw = gzip.decompress(path.read_bytes())
        magic, *shape = struct.unpack(f">{1 + dimensions}I", raw[:header])
    except (EOFError, zlib.error, struct.error) as e:
        raise _unreadable(path, e) from e
    if magic != 0x0800 + dimensions or math.prod(shape) != len(raw) - header:
        raise ConfigError(f"{path}: not an IDX file of {dimensions} dimensions; reinstall dataset-fashion-mnist")
    return np.frombuffer(raw, np.uint8, offset=header).reshape(shape)


def _unreadable(path: Path, reason: Exception) -> ConfigError:
    return ConfigError(f"{path}: can't be read as gzipped IDX ({reason}); reinstall dataset-fashion-mnist")


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
    train = of_pictures(train_x, train_y.reshape(-1).astype(np.int64))
    test = of_pictures(test_x, test_y.reshape(-1).astype(np.int64))
    return Dataset(name, class_names, train, test, f"keras.datasets.{name}")
