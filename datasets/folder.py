"""A folder of pictures: one folder per class, or `train/` and `test/` with one folder per class in each."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datasets.files import UNREADABLE, Decoded, decode, is_hidden, is_picture
from datasets.pictures import Dataset, Split, key_of
from errors import ConfigError

TEST_SHARE = 0.2
SHOWN = 3
"""Names that a note shows at most."""
Labeled = tuple[Path, int]


def load_folder(root: Path) -> Dataset:
    """Return the pictures under `root`; class names are the folder names, in order.

    Hidden files and folders, and those that systems leave (`__MACOSX`, `@eaDir`), are skipped. EXIF orientation is
    applied, and transparent parts are white. `notes` of the data set say how many pictures that concerns, and which
    picture is both in `train/` and in `test/`. Where there is no `test/`, one picture in five of each class (chosen by
    its path), and at least one, is for testing.
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
    names = sorted(
        {p.name for r in roots.values() for p in r.iterdir() if p.is_dir() and not is_hidden(p.relative_to(r))}
    )
    if not names:
        raise ConfigError(f"--data folder:{root}: expected one folder per class in it, found none")
    counts: Counter[str] = Counter()
    files = {s: _list(r, names, counts) for s, r in roots.items()}
    if not is_split:
        files = _divide(files["all"], root)
    loaded = {s: _split(listed, counts) for s, listed in files.items()}
    splits = {s: part.split for s, part in loaded.items()}
    if not len(splits["train"]) + len(splits["test"]):
        damaged = splits["train"].damaged + splits["test"].damaged
        why = f"{len(damaged)} could not be read, {damaged[0]} first" if damaged else "no file that Pillow reads"
        raise ConfigError(f"--data folder:{root}: no readable picture in {len(names)} class folders ({why})")
    notes = (*_count_notes(root.name, counts), *_shared_notes(loaded["train"], loaded["test"], root))
    return Dataset(
        f"folder:{root.name}", tuple(names), splits["train"], splits["test"], str(root), notes,
        key_of(root, names), _digest(loaded.values()),
    )  # fmt: skip


def _list(root: Path, names: list[str], counts: Counter[str]) -> list[Labeled]:
    """Return the pictures of each class below `root` in the order of their paths, and count the other files."""
    listed: list[Labeled] = []
    for label, name in enumerate(names):
        for path in sorted((root / name).rglob("*")):
            if not path.is_file():
                continue
            if is_hidden(path.relative_to(root)):
                counts["hidden"] += 1
            elif not is_picture(path):
                counts["other"] += 1
            else:
                listed.append((path, label))
    return listed


def _divide(files: list[Labeled], root: Path) -> dict[str, list[Labeled]]:
    """Put a fifth of each class, and at least one picture, into the test split, chosen by the hash of its path."""
    test: set[Path] = set()
    for label in {label for _, label in files}:
        paths = [path for path, of in files if of == label]
        paths.sort(key=lambda p: hashlib.sha256(str(p.relative_to(root)).encode()).digest())
        test.update(paths[: max(1, round(len(paths) * TEST_SHARE))])
    return {"train": [f for f in files if f[0] not in test], "test": [f for f in files if f[0] in test]}


@dataclass(frozen=True)
class _Loaded:
    """A split, and the path of each of its pictures by a hash of its pixels."""

    split: Split
    by_pixels: dict[bytes, Path]


def _split(files: list[Labeled], counts: Counter[str]) -> _Loaded:
    """Decode each picture once, so that a damaged one is known now and not in the middle of a run."""
    good: list[Labeled] = []
    damaged: list[str] = []
    by_pixels: dict[bytes, Path] = {}
    for path, label in files:
        try:
            decoded = decode(path)
        except UNREADABLE:
            damaged.append(str(path))
        else:
            good.append((path, label))
            by_pixels.setdefault(_hash(decoded), path)
            counts["turned"] += decoded.turned
            counts["composited"] += decoded.composited
    labels = np.array([label for _, label in good], np.int64)
    return _Loaded(Split(labels, lambda i: decode(good[i][0]).picture, tuple(damaged)), by_pixels)


def _digest(loaded: Iterable[_Loaded]) -> str:
    """Return a hash of the pixels of all pictures, whatever their names."""
    return hashlib.sha256(b"".join(sorted(key for part in loaded for key in part.by_pixels))).hexdigest()


def _hash(decoded: Decoded) -> bytes:
    picture = decoded.picture
    return hashlib.sha256(repr((picture.mode, picture.size)).encode() + picture.tobytes()).digest()


def _count_notes(name: str, counts: Counter[str]) -> list[str]:
    """Return one line that counts what was skipped or changed, or nothing."""
    texts = {
        "hidden": "hidden files skipped",
        "other": "other files that are not pictures",
        "turned": "pictures turned as their EXIF data says",
        "composited": "pictures composited on white where they are transparent",
    }
    parts = [f"{text}: {counts[key]:,}" for key, text in texts.items() if counts[key]]
    return [f"folder:{name}: {', '.join(parts)}"] if parts else []


def _shared_notes(train: _Loaded, test: _Loaded, root: Path) -> list[str]:
    """Return a line that names pictures which are in both splits, or nothing."""
    shared = [train.by_pixels[key] for key in train.by_pixels.keys() & test.by_pixels.keys()]
    if not shared:
        return []
    names = sorted(str(path.relative_to(root)) for path in shared)
    shown = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    text = "pictures both in train and in test, which makes accuracy too high"
    return [f"folder:{root.name}: {text}: {len(names):,} ({shown})"]
