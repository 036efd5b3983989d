"""Data sets: what loads, what is refused and how, and that samples are even, seeded and grow from the front."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import datasets
from datasets import catalog, digest_of, load, prepare, prepare_many, sample
from datasets.pictures import Split
from errors import ConfigError

needs_fashion_mnist = pytest.mark.skipif(
    not catalog.FASHION_MNIST_DIR.is_dir(), reason="needs apt install dataset-fashion-mnist"
)


def split_of(labels: list[int]) -> Split:
    return Split(np.array(labels, np.int64), lambda i: Image.new("L", (4, 4), i % 256))


def write_pictures(folder: Path, count: int, suffix: str = ".jpg", mode: str = "RGB") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        Image.new(mode, (8, 6), i % 256 if mode == "L" else (i % 256, 0, 0)).save(folder / f"{i:04d}{suffix}")


# --- sample --------------------------------------------------------------------------------------------------------

labels_and_seed = st.tuples(
    st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(0, 2**32 - 1), st.integers(0, 10**6)
)


@given(labels_and_seed)
def test_a_sample_is_distinct_even_and_of_its_size(case: tuple[list[int], int, int]) -> None:
    labels, seed, pick = case
    count = 1 + pick % len(labels)
    chosen = sample(split_of(labels), count, seed)
    assert len(set(chosen.tolist())) == len(chosen) == count
    there, taken = Counter(labels), Counter(np.array(labels)[chosen].tolist())
    most = max(taken.values())
    # A class may have fewer than another by more than one only if all its pictures are taken.
    assert all(taken[label] >= most - 1 or taken[label] == there[label] for label in there)


@given(labels_and_seed)
def test_a_larger_sample_begins_with_the_smaller(case: tuple[list[int], int, int]) -> None:
    labels, seed, pick = case
    whole = sample(split_of(labels), len(labels), seed)
    count = 1 + pick % len(labels)
    assert sample(split_of(labels), count, seed).tolist() == whole[:count].tolist()


def test_the_seed_decides_the_sample() -> None:
    split = split_of([i % 10 for i in range(200)])
    first, again, other = sample(split, 50, 1), sample(split, 50, 1), sample(split, 50, 2)
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()
    assert np.bincount(split.labels[first]).tolist() == [5] * 10


def test_none_is_all_in_order() -> None:
    assert sample(split_of([0, 1, 0]), None).tolist() == [0, 1, 2]


@pytest.mark.parametrize("count", [0, -1, 4])
def test_a_sample_of_another_size_is_refused(count: int) -> None:
    with pytest.raises(ConfigError, match=rf"--images {count}: the split has 3 pictures; ask for 1 to 3 or `all`"):
        sample(split_of([0, 1, 0]), count)


# --- prepare -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_mode_becomes_the_channels_asked_for(mode: str, channels: int) -> None:
    pixels = prepare(Image.new(mode, (10, 7)), 16, channels)
    assert pixels.shape == (16, 16, channels)
    assert pixels.dtype == np.uint8


def test_gray_is_the_same_in_each_channel() -> None:
    pixels = prepare(Image.new("L", (5, 5), 77), 5, 3)
    assert np.unique(pixels).tolist() == [77]


def test_color_becomes_luma() -> None:
    assert prepare(Image.new("RGB", (1, 1), (255, 0, 0)), 1, 1).item() == 76  # ITU-R 601: 0.299 R


def test_a_picture_of_the_right_size_is_taken_as_it_is() -> None:
    rng = np.random.default_rng(0)
    raw = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    assert np.array_equal(prepare(Image.fromarray(raw), 32, 3), raw)


def test_resizing_down_averages() -> None:
    checkers = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    assert np.abs(prepare(Image.fromarray(checkers), 8, 1).astype(int) - 127).max() <= 2


def test_flip_and_box() -> None:
    picture = Image.fromarray(np.array([[10, 20, 30, 40]] * 4, np.uint8))
    assert prepare(picture, 4, 1, flip=True)[0, :, 0].tolist() == [40, 30, 20, 10]
    assert prepare(picture, 2, 1, box=(2, 0, 4, 2))[0, :, 0].tolist() == [30, 40]


def test_prepare_many_of_none_has_the_shape() -> None:
    split = split_of([0, 1])
    assert prepare_many(split, [], 8, 3).shape == (0, 8, 8, 3)
    assert prepare_many(split, [1, 0], 8, 1)[:, 0, 0, 0].tolist() == [1, 0]


def test_the_digest_knows_pixels_shape_and_labels() -> None:
    pixels = np.zeros((2, 4, 4, 1), np.uint8)
    other = pixels.copy()
    other[1, 2, 3, 0] = 1
    digests = [
        digest_of(pixels),
        digest_of(other),
        digest_of(pixels.reshape(1, 8, 4, 1)),
        digest_of(pixels, [0, 1]),
        digest_of(pixels, [1, 0]),
    ]
    assert len(set(digests)) == len(digests)
    assert digest_of(pixels.copy(), [0, 1]) == digests[3]


# --- folder --------------------------------------------------------------------------------------------------------


def test_a_folder_per_class(tmp_path: Path) -> None:
    write_pictures(tmp_path / "pets" / "cat", 10)
    write_pictures(tmp_path / "pets" / "dog", 20, ".png")
    write_pictures(tmp_path / "pets" / ".thumbnails", 3)
    (tmp_path / "pets" / "cat" / "notes.txt").write_text("no picture")
    found = load(f"folder:{tmp_path / 'pets'}")
    assert (found.name, found.class_names, found.damaged) == ("folder:pets", ("cat", "dog"), ())
    assert np.bincount(found.train.labels).tolist() == [8, 16]
    assert np.bincount(found.test.labels).tolist() == [2, 4]
    assert found.test.read(0).size == (8, 6)


def test_the_division_is_by_path_and_stays(tmp_path: Path) -> None:
    write_pictures(tmp_path / "a" / "x", 10)
    write_pictures(tmp_path / "b" / "x", 10)
    first, moved = load(f"folder:{tmp_path / 'a'}"), load(f"folder:{tmp_path / 'b'}")

    def pixels(split: Split) -> list[bytes]:
        return [split.read(i).tobytes() for i in range(len(split))]

    assert pixels(first.test) == pixels(moved.test)
    assert not set(pixels(first.test)) & set(pixels(first.train))


def test_train_and_test_folders(tmp_path: Path) -> None:
    write_pictures(tmp_path / "train" / "cat", 4, ".bmp")
    write_pictures(tmp_path / "train" / "dog", 3, ".PNG")
    write_pictures(tmp_path / "test" / "dog", 2, ".jpeg")
    found = load(f"folder:{tmp_path}")
    assert found.class_names == ("cat", "dog")
    assert found.train.labels.tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert found.test.labels.tolist() == [1, 1]


def test_train_without_test_is_not_taken_for_a_class(tmp_path: Path) -> None:
    write_pictures(tmp_path / "train" / "cat", 2)
    write_pictures(tmp_path / "validation" / "cat", 2)
    with pytest.raises(ConfigError, match=r"there is train/ with folders in it but no test/"):
        load(f"folder:{tmp_path}")


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    write_pictures(tmp_path / "bus", 2)
    write_pictures(tmp_path / "train", 2)
    assert load(f"folder:{tmp_path}").class_names == ("bus", "train")


def test_one_corrupt_jpeg_among_a_thousand_is_named(tmp_path: Path) -> None:
    write_pictures(tmp_path / "a", 500)
    write_pictures(tmp_path / "b", 500)
    corrupt = tmp_path / "b" / "0123.jpg"
    corrupt.write_bytes(corrupt.read_bytes()[:-300])
    found = load(f"folder:{tmp_path}")
    assert found.damaged == (str(corrupt),)
    assert len(found.train) + len(found.test) == 999


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_what_is_no_picture_is_named(tmp_path: Path, content: bytes) -> None:
    write_pictures(tmp_path / "a", 5)
    (tmp_path / "a" / "bad.png").write_bytes(content)
    assert load(f"folder:{tmp_path}").damaged == (str(tmp_path / "a" / "bad.png"),)


def test_sixteen_bit_gray_keeps_its_range(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    ramp = np.array([[0, 256, 32768, 65535]], np.uint16)
    Image.fromarray(ramp).save(tmp_path / "a" / "ramp.png")
    assert np.asarray(load(f"folder:{tmp_path}").test.read(0)).tolist() == [[0, 1, 128, 255]]


def _photo(path: Path, seed: int = 0, **options: Any) -> Path:
    """Save a picture of 12 x 8 pixels whose left half is dark."""
    pixels = np.random.default_rng(seed).integers(128, 255, (8, 12, 3)).astype(np.uint8)
    pixels[:, :6] //= 8
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def test_every_format_that_pillow_reads_is_a_picture(tmp_path: Path) -> None:
    for number, name in enumerate(("x.webp", "x.gif", "x.tif", "x.jfif", "x.JPEG", "x.PNG", "x.bmp", "x.ppm", "x.tga")):
        _photo(tmp_path / "a" / name, number, **({"format": "JPEG"} if name == "x.jfif" else {}))
    (tmp_path / "a" / "notes.txt").write_text("not a picture")
    data = load(f"folder:{tmp_path}")
    assert len(data.train) + len(data.test) == 9
    assert data.damaged == ()
    assert data.notes == (f"folder:{tmp_path.name}: other files that are not pictures: 1",)


def test_hidden_copies_are_neither_pictures_nor_classes(tmp_path: Path) -> None:
    for number in range(6):
        for name in ("a", "b"):
            _photo(tmp_path / name / f"{number}.png", number)
    for copy in ("a/.ipynb_checkpoints/0-checkpoint.png", "b/@eaDir/THUMB.jpg", "a/._0.png", "__MACOSX/a/0.png"):
        _photo(tmp_path / copy)
    (tmp_path / ".DS_Store").write_bytes(b"x")
    data = load(f"folder:{tmp_path}")
    assert data.class_names == ("a", "b")
    assert len(data.train) + len(data.test) == 12
    assert "hidden files skipped: 3" in data.notes[0]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_as_its_exif_data_says(tmp_path: Path, orientation: int) -> None:
    """The oracle is Pillow's own transposition of the same pixels, written without EXIF data."""
    plain = Image.open(_photo(tmp_path / "plain.png"))
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }.get(orientation)  # fmt: skip
    expected = np.asarray(plain if turn is None else plain.transpose(turn))
    exif = Image.Exif()
    exif[0x0112] = orientation
    _photo(tmp_path / "all" / "a" / "x.png", exif=exif)
    data = load(f"folder:{tmp_path / 'all'}")
    assert np.array_equal(np.asarray(data.test.read(0)), expected)
    assert data.notes == (() if turn is None else ("folder:all: pictures turned as their EXIF data says: 1",))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_are_white(tmp_path: Path, mode: str) -> None:
    """Magenta under the transparent part, as drawing programs leave it, must not be seen."""
    pixels = np.full((8, 8, 4), (10, 20, 30, 255), np.uint8)
    pixels[:, :4] = (255, 0, 255, 0)
    (tmp_path / "a").mkdir()
    picture = Image.fromarray(pixels)
    if mode == "P":
        picture.quantize().save(tmp_path / "a" / "x.png")
    else:
        picture.convert(mode).save(tmp_path / "a" / "x.png")
    data = load(f"folder:{tmp_path}")
    seen = np.asarray(data.test.read(0))
    assert (seen[:, :4] == 255).all()
    assert (seen[:, 4:] < 64).all()
    assert "pictures composited on white where they are transparent: 1" in data.notes[0]


def test_an_opaque_alpha_channel_changes_nothing(tmp_path: Path) -> None:
    path = _photo(tmp_path / "a" / "x.png")
    expected = np.asarray(Image.open(path))
    Image.open(path).convert("RGBA").save(path)
    data = load(f"folder:{tmp_path}")
    assert np.array_equal(np.asarray(data.test.read(0)), expected)
    assert data.notes == ()


def test_a_picture_in_train_and_in_test_is_named(tmp_path: Path) -> None:
    for number in range(3):
        _photo(tmp_path / "train" / "a" / f"{number}.png", number)
    _photo(tmp_path / "test" / "a" / "other_name.bmp", 1)
    data = load(f"folder:{tmp_path}")
    assert len(data.notes) == 1
    assert "pictures both in train and in test, which makes accuracy too high: 1" in data.notes[0]
    assert data.notes[0].endswith("(train/a/1.png)")


def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_pictures(tmp_path / "pets" / "cat", 2)
    assert load("folder:~/pets").class_names == ("cat",)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: None, "expected one folder per class in it, found none"),
        (lambda root: write_pictures(root, 3), "expected one folder per class in it, found none"),
        (
            lambda root: (root / "cat").mkdir(),
            r"no readable picture in 1 class folders \(no file that Pillow reads\)",
        ),
        (
            lambda root: ((root / "cat").mkdir(), (root / "cat" / "1.jpg").write_bytes(b"x")),
            r"no readable picture in 1 class folders \(1 could not be read, .*1.jpg first\)",
        ),
    ],
    ids=["empty", "no class folders", "empty class", "all damaged"],
)
def test_a_folder_without_pictures_is_refused(tmp_path: Path, make: Callable[[Path], object], message: str) -> None:
    make(tmp_path)
    with pytest.raises(ConfigError, match=message):
        load(f"folder:{tmp_path}")


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
        ({"x_train": np.zeros((4, 6, 5, 3), np.float32)}, r"key x_train: expected uint8 .*, got float32"),
        ({"x_train": np.zeros((4, 6), np.uint8)}, r"key x_train: expected uint8 of shape .*, got uint8 of \(4, 6\)"),
        ({"x_test": np.zeros((2, 6, 5, 4), np.uint8)}, r"key x_test: .* got uint8 of \(2, 6, 5, 4\)"),
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
