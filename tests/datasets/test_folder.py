"""Folders of pictures as people have them: which files count, how they are decoded, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from datasets import load
from datasets.pictures import Split
from errors import ConfigError


def write_pictures(folder: Path, count: int, suffix: str = ".jpg", mode: str = "RGB") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        Image.new(mode, (8, 6), i % 256 if mode == "L" else (i % 256, 0, 0)).save(folder / f"{i:04d}{suffix}")


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
