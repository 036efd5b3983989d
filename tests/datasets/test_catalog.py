"""Data sets by name and .npz files: what loads, and the message for each mistake."""

from __future__ import annotations

import contextlib
import gzip
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import datasets
from datasets import archive, catalog, load, npz, sample
from errors import ConfigError

needs_fashion_mnist = pytest.mark.skipif(
    not catalog.FASHION_MNIST_DIR.is_dir(), reason="needs apt install dataset-fashion-mnist"
)


# --- npz -----------------------------------------------------------------------------------------------------------


def arrays(**changed: Any) -> dict[str, Any]:
    pixels = np.zeros((4, 6, 5, 3), np.uint8)
    labels = np.array([0, 1, 2, 1])
    whole = {"x_train": pixels, "y_train": labels, "x_test": pixels[:2], "y_test": labels[:2]} | changed
    return {key: value for key, value in whole.items() if value is not None}


@pytest.mark.parametrize("shape", [(4, 6, 5), (4, 6, 5, 1), (4, 6, 5, 3)])
def test_an_npz_of_each_shape_loads(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.savez(tmp_path / "d.npz", **arrays(x_train=np.zeros(shape, np.uint8), y_train=np.array([[0], [1], [2], [1]])))
    found = load(f"npz:{tmp_path / 'd.npz'}")
    assert found.class_names == ("0", "1", "2")
    assert found.train.labels.tolist() == [0, 1, 2, 1]
    assert found.train.read(0).mode == ("RGB" if shape[3:] == (3,) else "L")
    assert found.train.read(0).size == (5, 6)


def test_class_names_are_taken(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "d.npz", **arrays(class_names=np.array(["a", "b", "c", "d"])))
    assert load(f"npz:{tmp_path / 'd.npz'}").class_names == ("a", "b", "c", "d")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"y_test": None}, "key y_test is missing; expected x_train, y_train, x_test, y_test"),
        ({"x_train": np.zeros((4, 6, 5, 3), complex)}, r"key x_train: expected uint8 .*, got complex128"),
        ({"x_train": np.zeros(4, np.uint8)}, r"key x_train: expected uint8 pictures .*, got uint8 of \(4,\)"),
        ({"x_test": np.full((2, 5), np.nan)}, "key x_test: it has values that are not finite"),
        ({"y_train": np.array([0, 1, 2])}, r"key y_train: expected 4 integers from 0 up, got int64 of \(3,\)"),
        ({"y_train": np.array([0, 1, 2, -1])}, "key y_train: expected 4 integers from 0 up"),
        ({"y_train": np.array([0, 1, 2, 1.0])}, "key y_train: expected 4 integers from 0 up, got float64"),
        ({"x_test": np.zeros((0, 6, 5, 3), np.uint8), "y_test": np.zeros(0, np.int64)}, "key y_test: expected 0 int"),
        ({"class_names": np.array(["a", "b"])}, "key class_names has 2 names, the labels go to 2"),
        ({"class_names": np.array(["a", None], object)}, r"can't be read as .npz \(Object arrays"),
    ],
)
def test_each_mistake_in_an_npz_has_its_message(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    np.savez(tmp_path / "d.npz", **arrays(**changed))
    with pytest.raises(ConfigError, match=rf"d.npz: {message}"):
        load(f"npz:{tmp_path / 'd.npz'}")


def test_a_damaged_npz_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "d.npz"
    np.savez_compressed(path, **arrays())
    whole = path.read_bytes()
    damaged = [b"", b"no archive", whole[: len(whole) // 2], whole[:60] + bytes(40) + whole[100:]]
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(ConfigError, match=r"d.npz: can't be read as .npz"):
            load(f"npz:{path}")


def test_an_npy_is_no_npz(tmp_path: Path) -> None:
    with (tmp_path / "d.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(ConfigError, match=r"can't be read as .npz"):
        load(f"npz:{tmp_path / 'd.npz'}")


# --- by name -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("fashon_mnist", "did you mean fashion_mnist"),
        ("cifar100", "did you mean cifar10"),
        ("fodler:x", "did you mean folder:DIR"),
        ("imagenet", "known: cifar10, fashion_mnist, folder:DIR, npz:FILE"),
        ("fashion_mnist:x", "no such data set"),
        ("folder", "expected folder:PATH, got no path"),
        ("npz:", "expected npz:PATH, got no path"),
        ("folder:no/such", "no such folder"),
        ("npz:no/such.npz", "no such file"),
    ],
)
def test_an_unknown_name_gives_the_nearest(spec: str, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"^--data {spec}.*{message}"):
        load(spec)


@needs_fashion_mnist
def test_fashion_mnist_is_whole() -> None:
    found = load("fashion_mnist")
    assert (len(found.train), len(found.test), len(found.class_names)) == (60_000, 10_000, 10)
    assert found.train.labels[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    assert found.test.labels[:10].tolist() == [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]
    assert np.bincount(found.test.labels).tolist() == [1000] * 10
    assert (found.train.read(0).mode, found.train.read(0).size) == ("L", (28, 28))
    assert np.bincount(found.test.labels[sample(found.test, 1000)]).tolist() == [100] * 10


def idx(shape: tuple[int, ...], magic: int | None = None) -> bytes:
    header = [0x0800 + len(shape) if magic is None else magic, *shape]
    return b"".join(value.to_bytes(4, "big") for value in header) + bytes(int(np.prod(shape)))


def damage_middle(data: bytes) -> bytes:
    return data[: len(data) // 2] + bytes(8) + data[len(data) // 2 + 8 :]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no gzip",
        gzip.compress(b"abc"),
        gzip.compress(idx((2, 28, 28), magic=0x0D03)),
        gzip.compress(idx((2, 28, 28))[:-1]),
        gzip.compress(idx((2, 28, 28)))[:-9],
        damage_middle(gzip.compress(np.random.default_rng(0).bytes(5000))),
    ],
    ids=["empty", "no gzip", "short", "floats", "a byte short", "cut", "flipped"],
)
def test_a_damaged_fashion_mnist_says_to_reinstall(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(content)
    monkeypatch.setattr(catalog, "FASHION_MNIST_DIR", tmp_path)
    with pytest.raises(ConfigError, match=r"train-images-idx3-ubyte.gz: .*reinstall dataset-fashion-mnist"):
        load("fashion_mnist")


@pytest.mark.parametrize("name", ["fashion_mnist", "cifar10"])
def test_keras_loads_what_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    keras = pytest.importorskip("keras")

    def load_data() -> tuple[tuple[npt.NDArray[Any], ...], ...]:
        return (np.zeros((3, 4, 4), np.uint8), np.array([[0], [1], [2]])), (
            np.zeros((1, 4, 4), np.uint8),
            np.array([3]),
        )

    monkeypatch.setattr(catalog, "FASHION_MNIST_DIR", tmp_path / "none")
    monkeypatch.setattr(getattr(keras.datasets, name), "load_data", load_data)
    found = load(name)
    assert (found.train.labels.tolist(), found.test.labels.tolist()) == ([0, 1, 2], [3])
    assert len(found.class_names) == 10

    def offline() -> None:
        raise Exception("URL fetch failure")

    monkeypatch.setattr(getattr(keras.datasets, name), "load_data", offline)
    with pytest.raises(ConfigError, match=rf"--data {name}: Keras could not download it \(URL fetch failure\)"):
        load(name)


def test_the_package_exports_what_it_names() -> None:
    assert all(hasattr(datasets, name) for name in datasets.__all__)


# --- npz with lying sizes ------------------------------------------------------------------------------------------


def npz_with(path: Path, member: str, content: bytes) -> None:
    """Write a good .npz whose entry `member` holds other bytes."""
    np.savez_compressed(path, **arrays(**{member: None}))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{member}.npy", content)


def npy(header: str, data: bytes = b"") -> bytes:
    text = header.encode("latin1") + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


@pytest.mark.parametrize("label", [1 << 40, (1 << 63) - 1, (1 << 64) - 1, npz.MAX_CLASSES])
def test_labels_beyond_any_number_of_classes_are_refused(tmp_path: Path, label: int) -> None:
    labels = np.array([0, 1, 2, label], np.uint64)
    np.savez(tmp_path / "d.npz", **arrays(y_train=labels))
    with pytest.raises(ConfigError, match=rf"key y_train: expected integers from 0 to 65535, got {label}; number"):
        load(f"npz:{tmp_path / 'd.npz'}")


def test_a_header_that_lies_about_its_array_takes_no_memory(tmp_path: Path) -> None:
    header = "{'descr': '|u1', 'fortran_order': False, 'shape': (1099511627776, 6, 5)}"
    npz_with(tmp_path / "d.npz", "x_train", npy(header, bytes(120)))
    tracemalloc.start()
    try:
        with pytest.raises(ConfigError, match=r"key x_train: its header is of an array of 32,985,348,833,\d+ bytes"):
            load(f"npz:{tmp_path / 'd.npz'}")
        assert tracemalloc.get_traced_memory()[1] < 1 << 22
    finally:
        tracemalloc.stop()


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header = "{'descr': '|u1', 'fortran_order': False, 'shape': (50000000,)}"
    npz_with(tmp_path / "d.npz", "x_train", npy(header, bytes(50_000_000)))
    monkeypatch.setattr(archive, "ram_bytes", lambda: 64_000_000)
    with pytest.raises(ConfigError, match=r"d.npz: expected arrays of at most 32,000,000 bytes, .*; give fewer pic"):
        load(f"npz:{tmp_path / 'd.npz'}")


def test_arrays_that_are_not_used_are_not_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", **arrays(other=np.array([None], object)))
    assert len(load(f"npz:{tmp_path / 'd.npz'}").train) == 4


def test_one_name_of_a_class_is_a_list_of_one(tmp_path: Path) -> None:
    labels = np.zeros(4, np.int64)
    np.savez(tmp_path / "d.npz", **arrays(y_train=labels, y_test=labels[:2], class_names=np.array("only")))
    assert load(f"npz:{tmp_path / 'd.npz'}").class_names == ("only",)


@pytest.mark.parametrize("compressed", [False, True])
def test_damaged_archives_raise_our_errors_only(tmp_path: Path, compressed: bool) -> None:
    path, random = tmp_path / "d.npz", np.random.default_rng(7)
    (np.savez_compressed if compressed else np.savez)(path, **arrays(class_names=np.array(["a", "b", "c"])))
    whole = path.read_bytes()
    for _ in range(300):
        damaged = bytearray(whole)
        for place in random.integers(0, len(whole), random.integers(1, 8)):
            damaged[place] = random.integers(0, 256)
        path.write_bytes(damaged)
        with contextlib.suppress(ConfigError):
            load(f"npz:{path}")
