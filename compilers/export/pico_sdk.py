"""The user's Raspberry Pi Pico SDK: where it is, whether it can be used, and what it is made of."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from errors import CompileError

VARIABLE = "PICO_SDK_PATH"
OLDEST = (2, 0, 0)
"""The first with the RP2350."""
# Where the SDK's own tools and Debian's packages put it.
USUAL = ("~/.pico-sdk/sdk/*", "~/pico/pico-sdk", "/usr/src/pico-sdk*", "/usr/share/pico-sdk*")
USUAL_TINYUSB = ("/usr/src/tinyusb*", "/usr/share/tinyusb*")
INIT = "pico_sdk_init.cmake"
TINYUSB = "hw/bsp/rp2040"
"""The part of TinyUSB that the SDK looks for."""
INSTALL = (
    f"clone raspberrypi/pico-sdk with its submodule lib/tinyusb (on Debian 13: apt install pico-sdk-source "
    f"tinyusb-source, and unpack them in /usr/src), and set {VARIABLE} to its folder"
)
_VERSION = re.compile(r"set\(PICO_SDK_VERSION_(MAJOR|MINOR|REVISION) (\d+)\)")


@dataclass(frozen=True)
class PicoSdk:
    """An SDK: its folder, that of TinyUSB, which may be elsewhere, and its version."""

    folder: Path
    tinyusb: Path
    version: tuple[int, ...]

    @property
    def version_text(self) -> str:
        """Return the version as 2.2.0."""
        return ".".join(map(str, self.version))

    def digest(self) -> str:
        """Return a sha256 of all files that can be part of an image or of its build."""
        total = hashlib.sha256()
        parts = (self.folder / "src", self.folder / "cmake", self.folder / "tools", self.tinyusb / "src",
                 self.tinyusb / TINYUSB)  # fmt: skip
        for part in parts:
            for path in sorted(part.rglob("*")):
                if path.is_file() and ".git" not in path.parts:
                    content = path.read_bytes()
                    total.update(f"{path.relative_to(part)}\0{len(content)}\0".encode() + content)
        return total.hexdigest()


def find(target_name: str) -> PicoSdk:
    """Return the SDK of PICO_SDK_PATH, else the newest in a usual place.

    Raises CompileError of one line if there is none, if it is too old, or if its TinyUSB is missing.
    """
    named = os.environ.get(VARIABLE)
    if named:
        folder = Path(named).expanduser()
        if not (folder / INIT).is_file():
            raise CompileError(
                f"{target_name}: {VARIABLE}={named}: expected the folder of the Pico SDK, which has {INIT}; {INSTALL}"
            )
    else:
        folders = [path for path in _existing(USUAL) if (path / INIT).is_file()]
        if not folders:
            raise CompileError(f"{target_name}: the Pico SDK was not found; {INSTALL}")
        folder = max(folders, key=_version)
    version = _version(folder)
    sdk = PicoSdk(folder.resolve(), _tinyusb(target_name, folder).resolve(), version)
    if version < OLDEST:
        oldest, own = ".".join(map(str, OLDEST)), sdk.version_text or "none"
        raise CompileError(
            f"{target_name}: {folder}: expected Pico SDK {oldest} or newer, has {own}; set {VARIABLE} to a newer one"
        )
    return sdk


def _existing(patterns: tuple[str, ...]) -> list[Path]:
    found: list[Path] = []
    for pattern in patterns:
        path = Path(pattern).expanduser()
        found += sorted(path.parent.glob(path.name)) if path.parent.is_dir() else []
    return found


def _version(folder: Path) -> tuple[int, ...]:
    try:
        text = (folder / "pico_sdk_version.cmake").read_text(errors="replace")
    except OSError:
        return ()
    parts = {name: int(number) for name, number in _VERSION.findall(text)}
    return tuple(parts.get(name, 0) for name in ("MAJOR", "MINOR", "REVISION"))


def _tinyusb(target_name: str, folder: Path) -> Path:
    own = os.environ.get("PICO_TINYUSB_PATH")
    candidates = [Path(own).expanduser()] if own else [folder / "lib" / "tinyusb", *_existing(USUAL_TINYUSB)]
    for candidate in candidates:
        if (candidate / TINYUSB).is_dir():
            return candidate
    raise CompileError(
        f"{target_name}: {candidates[0]}: TinyUSB is missing, which the board's USB needs; run: "
        f"git -C {folder} submodule update --init lib/tinyusb"
    )
