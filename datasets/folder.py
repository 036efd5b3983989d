"""A folder of pictures: one folder per class, or `train/` and `test/` with one folder per class in each."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

from datasets.pictures import Dataset, Split
from errors import ConfigError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")
TEST_SHARE = 0.2


def load_folder(root: Path) -> Dataset:
    """Return the pictures under `root`; class names are the folder names, in order.

    Where there is no `test/`, one picture in five of each class (chosen by its path), and at least one, is
    for testing.
    Raises ConfigError if the folder is missing, has no class or no readable picture.
    """
    if not root.is_dir():
        raise ConfigError(f"--data folder:{root}: no such folder")
    try:
        return _load(root)
    except PermissionError as e:
        raise ConfigError(f"--data folder:{root}: {e.filename} can't be read ({e.strerror}); change its mode") from e


def _load(root: Path) -> Dataset:
    is_split = all((root / s).is_dir() for s in ("train", "test"))
    roots = {s: root / s for s in ("train", "test")} if is_split else {"all": root}
    if not is_split and any(path.is_dir() for path in (root / "train").glob("*")):
        raise ConfigError(f"--data folder:{root}: there is train/ with folders in it but no test/; name that one test/")
    names = sorted({p.name for r in roots.values() for p in r.iterdir() if p.is_dir() and not p.name.startswith(".")})
    if not names:
        raise ConfigError(f"--data folder:{root}: expected one folder per class in it, found none")
    files = {s: _list(r, names) for s, r in roots.items()}
    if not is_split:
        files = _divide(files["all"], root)
    splits = {s: _split(listed) for s, listed in files.items()}
    if not len(splits["train"]) + len(splits["test"]):
        damaged = splits["train"].damaged + splits["test"].damaged
        why = (
            f"{len(damaged)} could not be read, {damaged[0]} first" if damaged else f"looked for {', '.join(SUFFIXES)}"
        )
        raise ConfigError(f"--data folder:{root}: no readable picture in {len(names)} class folders ({why})")
    return Dataset(f"folder:{root.name}", tuple(names), splits["train"], splits["test"], str(root))


def _list(root: Path, names: list[str]) -> list[tuple[Path, int]]:
    return [
        (path, label)
        for label, name in enumerate(names)
        for path in sorted((root / name).rglob("*"))
        if path.suffix.lower() in SUFFIXES and path.is_file()
    ]


def _divide(files: list[tuple[Path, int]], root: Path) -> dict[str, list[tuple[Path, int]]]:
    """Put a fifth of each class, and at least one picture, into the test split, chosen by the hash of its path."""
    test: set[Path] = set()
    for label in {label for _, label in files}:
        paths = [path for path, of in files if of == label]
        paths.sort(key=lambda p: hashlib.sha256(str(p.relative_to(root)).encode()).digest())
        test.update(paths[: max(1, round(len(paths) * TEST_SHARE))])
    return {"train": [f for f in files if f[0] not in test], "test": [f for f in files if f[0] in test]}


def _split(files: list[tuple[Path, int]]) -> Split:
    """Decode each picture once, so that a damaged one is known now and not in the middle of a run."""
    good: list[tuple[Path, int]] = []
    damaged: list[str] = []
    for path, label in files:
        try:
            _read(path)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            damaged.append(str(path))
        else:
            good.append((path, label))
    labels = np.array([label for _, label in good], np.int64)
    return Split(labels, lambda i: _read(good[i][0]), tuple(damaged))


def _read(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        if picture.mode.startswith("I;16"):  # PIL would clip 16 bits to 8, not scale them
            return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
        return picture.convert("L" if picture.mode in ("1", "L") else "RGB")
