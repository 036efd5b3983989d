"""Whether a device is the board that its target describes, by what it says of itself."""

from __future__ import annotations

import platform

from deploy.agent.linux import board_facts
from deploy.board_state import BoardState
from deploy.cores import CORES, core_of_cpuid, cores_of_parts
from deploy.info import DeviceInfo
from errors import DeviceError
from target import Target

NATIVE = "native"


def differences(target: Target, info: DeviceInfo, board: BoardState) -> tuple[str, ...]:
    """Return what the device says of itself against its target, as `core: expected cortex-m4, received cortex-m3`."""
    return _differing(_microcontroller(target, info) if target.kind == "mcu" else _linux(target, board))


def check(target: Target, info: DeviceInfo, board: BoardState, allow_mismatch: bool) -> tuple[str, ...]:
    """Return the differences, if any. Raises DeviceError if there are and they are not allowed."""
    return _allowed(target, differences(target, info, board), allow_mismatch)


def check_linux(target: Target, board: BoardState, allow_mismatch: bool) -> tuple[str, ...]:
    """Return and raise as `check`, of a Linux board."""
    return _allowed(target, _differing(_linux(target, board)), allow_mismatch)


def _differing(pairs: list[tuple[str, str, str]]) -> tuple[str, ...]:
    return tuple(
        f"{what}: expected {expected}, received {received or 'nothing'}"
        for what, expected, received in pairs
        if expected and not _fits(what, expected, received)
    )


def _allowed(target: Target, wrong: tuple[str, ...], allow_mismatch: bool) -> tuple[str, ...]:
    if wrong and not allow_mismatch:
        raise DeviceError(
            f"{target.name}: the device is another board ({'; '.join(wrong)}); give --target its name, connect the "
            "right one, or give --allow-mismatch, with which the report says so"
        )
    return wrong


def _microcontroller(target: Target, info: DeviceInfo) -> list[tuple[str, str, str]]:
    if target.cpu == NATIVE:
        return [("board", target.name, info.board), ("machine", platform.machine(), info.machine or "")]
    core = core_of_cpuid(info.cpuid) if info.cpuid else info.machine or ""
    return [
        ("board", target.name, info.board),
        ("core", _expected_core(target), core),
        ("chip", target.expect.machine, info.machine or ""),
    ]


def _linux(target: Target, board: BoardState) -> list[tuple[str, str, str]]:
    machine, core = target.expect.machine, ", ".join(cores_of_parts(board.cpu_part or "")) or board.cpu or ""
    if target.cpu == NATIVE:
        here = board_facts()
        return [
            ("machine", platform.machine(), board.architecture or ""),
            ("CPU", str(here.get("cpu", "")), board.cpu or ""),
        ]
    return [
        ("machine", machine, board.architecture or ""),
        ("core", _expected_core(target), core),
        ("model", target.expect.model, board.machine or ""),
    ]


def _expected_core(target: Target) -> str:
    return target.expect.core or (target.cpu if target.cpu in CORES.values() else "")


def _fits(what: str, expected: str, received: str) -> bool:
    if what == "model":  # followed by a revision, such as `Raspberry Pi 4 Model B Rev 1.5`
        return expected in received
    return expected in received.split(", ") if what == "core" else expected == received
