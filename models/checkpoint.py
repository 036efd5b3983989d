"""Checkpoints: weights by name in an .npz file, and beside it a .json file that says what they are. No TensorFlow."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from errors import ConfigError

SHIPPED_DIR = Path(__file__).parent / "checkpoints"
Weights = dict[str, npt.NDArray[np.float32]]


def shipped_path(preset_name: str, data: str) -> Path:
    """Where the checkpoint that we ship for a preset and a data set is, or would be."""
    return SHIPPED_DIR / f"{preset_name}.{data}.npz"


def save(path: Path, weights: Weights, about: dict[str, Any], dtype: npt.DTypeLike = np.float16) -> None:
    """Write weights (stored as `dtype`) and the facts about them, each file atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=path.parent, suffix=".partial")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(file, allow_pickle=False, **{n: w.astype(dtype) for n, w in weights.items()})
        text = path.with_suffix(".json.partial")
        text.write_text(json.dumps(about, indent=1) + "\n")
        os.replace(text, path.with_suffix(".json"))
        os.replace(partial, path)
    finally:
        Path(partial).unlink(missing_ok=True)


def load(path: Path) -> tuple[Weights, dict[str, Any]]:
    """Return the weights as float32 by name, and what the file beside them says.

    Raises ConfigError if either file is missing or damaged.
    """
    about_path = path.with_suffix(".json")
    try:
        with np.load(path, allow_pickle=False) as archive:
            weights = {name: archive[name].astype(np.float32) for name in archive.files}
        about = json.loads(about_path.read_text())
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as e:
        raise ConfigError(f"{path}: not a checkpoint of `inv train` ({e})") from e
    return weights, about
