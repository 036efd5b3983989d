"""What the float network says to the held-out pictures, kept beside a plain int8 file.

The improved file is compared with it too, and the float network runs once for both.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

Outputs = list[npt.NDArray[np.float32]]
FILENAME = "float_outputs.npz"
LARGEST_BYTES = 16 << 20
"""Larger outputs, as of a detector, are computed again rather than kept."""


def save(folder: Path, outputs: Sequence[npt.NDArray[np.float32]]) -> None:
    """Write each output (n, ...) into a folder, if they are small."""
    if sum(output.nbytes for output in outputs) <= LARGEST_BYTES:
        np.savez(folder / FILENAME, *outputs)


def load(folder: Path) -> Outputs | None:
    """Return each output (n, ...), None if they are not there or can't be read."""
    try:
        with np.load(io.BytesIO((folder / FILENAME).read_bytes())) as kept:
            return list(kept.values())
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
