"""Arrays out of a .npz file: what an archive claims is checked against its size before anything is read."""

from __future__ import annotations

import math
import os
import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import numpy as np

from datasets.pictures import Array
from errors import ConfigError

UNREADABLE = (
    OSError, EOFError, ValueError, RuntimeError, TypeError, KeyError, OverflowError, RecursionError, SyntaxError,
    MemoryError, zipfile.BadZipFile, zlib.error, struct.error,
)  # fmt: skip
"""What zipfile and numpy raise on archives that are damaged, encrypted or packed by a method that Python lacks."""
HEADER_BYTES = 1 << 16
SHARE_OF_RAM = 0.5
"""The part of this machine's RAM that the arrays of one file may take."""


def read_arrays(path: Path, names: Iterable[str]) -> dict[str, Array]:
    """Return those arrays of a .npz file that are among `names`; others are not read.

    Raises ConfigError, before memory is taken, if the arrays need more than half of this machine's RAM, or if the
    header of one claims another size than the archive holds; and if the file is damaged or not a .npz.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {f"{name}.npy": name for name in names}
            infos = [info for info in archive.infolist() if info.filename in members]
            _check_total(path, sum(info.file_size for info in infos))
            return {members[info.filename]: _read(path, archive, info) for info in infos}
    except UNREADABLE as e:
        raise ConfigError(f"{path}: can't be read as .npz ({_first_line(e)})") from e


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def ram_bytes() -> int:
    """Return the RAM of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _check_total(path: Path, total: int) -> None:
    most = int(ram_bytes() * SHARE_OF_RAM)
    if total > most:
        raise ConfigError(
            f"{path}: expected arrays of at most {most:,} bytes, half of this machine's RAM, got {total:,}; "
            "give fewer pictures"
        )


def _read(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    key = info.filename.removesuffix(".npy")
    with archive.open(info) as file:
        claimed = _claimed_bytes(file)
    if claimed is not None and claimed != info.file_size:
        raise ConfigError(
            f"{path}: key {key}: its header is of an array of {claimed:,} bytes, the archive says {info.file_size:,}; "
            "write the file again"
        )
    with archive.open(info) as file:
        array: Array = np.lib.format.read_array(file, allow_pickle=False)
    return array


def _claimed_bytes(file: IO[bytes]) -> int | None:
    """Return the size of an .npy as its header claims it; None for Python objects, which are refused by numpy."""
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"version {version} of .npy is not known")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file, max_header_size=HEADER_BYTES)
    if dtype.hasobject:
        return None
    return file.tell() + math.prod(shape) * int(dtype.itemsize)
