"""Drives of boards in a UF2 boot loader: they hold a file INFO_UF2.TXT, which names the board."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

INFO = "INFO_UF2.TXT"
MOUNTS = Path("/proc/mounts")
PLACES = (Path("/media"), Path("/run/media"), Path("/Volumes"))
INFO_BYTES = 4096


@dataclass(frozen=True)
class Drive:
    """A mounted drive: its folder, and what its INFO_UF2.TXT says."""

    folder: Path
    board_id: str
    model: str

    def is_of(self, board: str) -> bool:
        """Whether it is the drive of a board, by a part of its ID or model."""
        return board in self.board_id or board in self.model

    def is_there(self) -> bool:
        """Whether it is still mounted."""
        return (self.folder / INFO).is_file()


def drives(places: Sequence[Path] | None = None) -> list[Drive]:
    """Return the drives that are mounted; `places` are the folders to look in instead of this system's."""
    folders = _mounted() if places is None else list(places)
    return [drive for folder in folders if (drive := _drive(folder))]


def _mounted() -> list[Path]:
    """Return the folders where removable drives may be."""
    found: dict[Path, None] = {}
    if MOUNTS.is_file():
        for line in MOUNTS.read_text(errors="replace").splitlines():
            words = line.split()
            if len(words) > 2 and words[2] in ("vfat", "msdos", "fuseblk"):
                found[Path(re.sub(r"\\(\d{3})", lambda m: chr(int(m[1], 8)), words[1]))] = None
    for place in PLACES:
        for folder in (*place.glob("*"), *place.glob("*/*")):
            found[folder] = None
    return list(found)


def _drive(folder: Path) -> Drive | None:
    try:
        with (folder / INFO).open(encoding="utf-8", errors="replace") as file:
            text = file.read(INFO_BYTES)
    except OSError:
        return None
    facts = dict(re.findall(r"(?m)^([\w-]+):\s*(.*?)\s*$", text))
    return Drive(folder, facts.get("Board-ID", ""), facts.get("Model", ""))
