"""Checkpoints: weights by name in an .npz file, and beside it a .json file that says what they are. No TensorFlow."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from artifact import write_atomic
from errors import ConfigError

SHIPPED_DIR = Path(__file__).parent / "checkpoints"
ABOUT_KEYS = {"preset": str, "classes": int, "channels": int, "labels": list, "input_range": list, "data": str}
Weights = dict[str, npt.NDArray[np.float32]]


def shipped_path(preset_name: str, data: str) -> Path:
    """Where the checkpoint that we ship for a preset and a data set is, or would be."""
    return SHIPPED_DIR / f"{preset_name}.{data}.npz"


def save(path: Path, weights: Weights, about: dict[str, Any], dtype: npt.DTypeLike = np.float16) -> None:
    """Write weights (stored as `dtype`) and the facts about them, each file atomically.

    The same weights give the same bytes: NumPy's own `savez` would write the time of day.
    """
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, weight in weights.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(weight, dtype), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, member.getvalue(), zipfile.ZIP_DEFLATED)
    write_atomic(path.with_suffix(".json"), json.dumps(about, indent=1) + "\n")
    write_atomic(path, raw.getvalue())


def load(path: Path) -> Weights:
    """Return the weights of a checkpoint as float32 by name. Raises ConfigError if the file is missing or damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name].astype(np.float32) for name in archive.files}
    # The last two: a lone .npy, and a zip of other things, as a .keras is
    except (OSError, ValueError, zipfile.BadZipFile, EOFError, zlib.error, TypeError, AttributeError) as e:
        raise ConfigError(f"{path}: not a checkpoint of `inv train` ({e})") from e


def load_about(path: Path) -> dict[str, Any]:
    """Return the facts beside a checkpoint: preset, classes, channels, labels, input_range, data and how it was made.

    Raises ConfigError if the file is missing, damaged or lacks a key.
    """
    about_path = path.with_suffix(".json")
    try:
        about = json.loads(about_path.read_text())
    except (OSError, ValueError) as e:
        raise ConfigError(f"{about_path}: expected the facts that `inv train` writes beside a checkpoint ({e})") from e
    for key, kind in ABOUT_KEYS.items():
        if not isinstance(about, dict) or not isinstance(about.get(key), kind):
            raise ConfigError(f"{about_path}: key {key}: expected {kind.__name__}, as `inv train` writes it")
    return dict(about)
