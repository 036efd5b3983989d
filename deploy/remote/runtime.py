"""Which LiteRT runs on a board: one that is there, else one of ours in a folder of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from artifact import sha256_of, versions
from deploy.remote.board import UNPACK_TIMEOUT_S, Board, Say, UnfitPython
from deploy.remote.connect import Address
from deploy.remote.wheels import NoWheels, download, platform_of
from errors import DeployError

LITERT, TFLITE = "ai-edge-litert", "tflite-runtime"
RUNTIMES = ("auto", LITERT, TFLITE)
TFLITE_VERSION = "2.14.0"  # the last
TFLITE_NEWEST_PYTHON = (3, 11)


@dataclass(frozen=True)
class Runtime:
    """A runtime on a board: its distribution, and the folder to put on Python's path, "" if it is the board's own."""

    distribution: str
    folder: str


def why_none(address: Address, chosen: str, accept_new: bool) -> str:
    """Return why a board can have no runtime, "" if it has one or can have one, which is downloaded.

    Raises LinkError if the board is not reached, DeployError if another run holds it.
    """
    try:
        with Board(address, accept_new=accept_new) as board:
            if _there(board, chosen, for_edgetpu=False) is None:
                _wheels(board, _usual(board, False) if chosen == "auto" else chosen)
    except (UnfitPython, NoWheels) as e:
        return str(e)
    return ""


def bring(board: Board, chosen: str, say: Say, for_edgetpu: bool = False) -> Runtime:
    """Return the runtime to use, installed if it is not there; the board's own packages stay as they are.

    `auto` is ai-edge-litert, or tflite-runtime where that is there alone or `for_edgetpu`: Coral's libedgetpu is built
    for it.

    Raises DeployError if there is none for the board's Python, or it can't be downloaded or copied.
    """
    if chosen not in RUNTIMES:
        raise DeployError(f"--runtime {chosen}: expected {', '.join(RUNTIMES)}")
    name = _there(board, chosen, for_edgetpu)
    if name is not None:
        say(f"uses {name} {board.facts.libraries[name]}, which is there")
        return Runtime(name, "")
    return _install(board, _usual(board, for_edgetpu) if chosen == "auto" else chosen, say)


def _there(board: Board, chosen: str, for_edgetpu: bool) -> str | None:
    """Return the runtime that a board has, None if it has none that is chosen and works."""
    libraries = board.facts.libraries
    for name in (TFLITE, LITERT) if for_edgetpu else (LITERT, TFLITE):
        if chosen in (name, "auto") and name in libraries and _fits(name, libraries):
            return name
    return None


def _usual(board: Board, for_edgetpu: bool) -> str:
    python = tuple(int(part) for part in board.facts.python.split(".")[:2])
    return TFLITE if for_edgetpu and python <= TFLITE_NEWEST_PYTHON else LITERT


def requirements(name: str, python: tuple[int, int], where: str) -> list[str]:
    """Return what pip is to download for a runtime. Raises NoWheels if the board's Python is too new for it."""
    if name == LITERT:  # the version of this host, whose outputs are the reference
        return [f"{LITERT}=={versions(LITERT)[LITERT]}"]
    if python > TFLITE_NEWEST_PYTHON:
        raise NoWheels(
            f"{where}: {TFLITE} ends at Python {'.'.join(map(str, TFLITE_NEWEST_PYTHON))}, it has "
            f"{'.'.join(map(str, python))}; use --runtime {LITERT}"
        )
    return [f"{TFLITE}=={TFLITE_VERSION}", "numpy<2"]


def _fits(name: str, libraries: Mapping[str, str]) -> bool:
    """Whether a runtime that is there has the numpy that it needs: tflite-runtime aborts with numpy 2."""
    numpy = libraries.get("numpy", "")
    return bool(numpy) and (name != TFLITE or int(numpy.split(".")[0]) < 2)


def _wheels(board: Board, name: str) -> tuple[list[str], list[Path]]:
    """Return what pip was to download for a runtime on a board, and the wheels."""
    platform = platform_of(board.facts, board.name)
    packages = requirements(name, platform.python, board.name)
    return packages, download(name, packages, platform, board.name)


def _install(board: Board, name: str, say: Say) -> Runtime:
    packages, wheels = _wheels(board, name)
    digest = hashlib.sha256("".join(sha256_of(wheel) for wheel in wheels).encode()).hexdigest()[:12]
    folder = f"runtime-{name}-{digest}"
    there = board.entry("have_folder", name=folder)
    if not there.found:
        # Each wheel and what it unpacks to: about four times the wheels, while both are there.
        board.ask("part", name=folder, size=5 * sum(wheel.stat().st_size for wheel in wheels))
        for wheel in wheels:
            board.put(wheel, f".{wheel.name}.part")
        board.ask("unpack", UNPACK_TIMEOUT_S, name=folder, wheels=[f".{wheel.name}.part" for wheel in wheels])
        size = sum(wheel.stat().st_size for wheel in wheels)
        say(f"installed {packages[0]} in {there.path} from {len(wheels)} wheels, {size:,} bytes")
    return Runtime(name, there.path)
