"""Whether a device is the board that its target describes: what it says of itself, and its counter by our clock."""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass

from deploy.agent.linux import board_facts
from deploy.board_state import BoardState
from deploy.cores import CORES, core_of_cpuid, cores_of_parts
from deploy.info import DeviceInfo
from deploy.session import Session
from errors import DeviceError
from measure.report import DeviceSection
from target import Target

CLOCK_SURE = 0.005
"""Most uncertainty of a comparison that counts, from the time that the answers took."""
CLOCK_SECONDS = 1.0
NATIVE = "native"


def differences(target: Target, info: DeviceInfo, board: BoardState) -> tuple[str, ...]:
    """Return what the device says of itself against its target, as `core: expected cortex-m4, received cortex-m3`."""
    pairs = _microcontroller(target, info) if target.kind == "mcu" else _linux(target, board)
    return tuple(
        f"{what}: expected {expected}, received {received or 'nothing'}"
        for what, expected, received in pairs
        if expected and not _fits(what, expected, received)
    )


def check(target: Target, info: DeviceInfo, board: BoardState, allow_mismatch: bool) -> None:
    """Raise DeviceError if the device is not the board of its target, unless that is allowed."""
    wrong = differences(target, info, board)
    if wrong and not allow_mismatch:
        raise DeviceError(
            f"{target.name}: the device is another board ({'; '.join(wrong)}); give --target its name, connect the "
            "right one, or give --allow-mismatch, with which the report says so"
        )


def section(target: Target, info: DeviceInfo, board: BoardState, clock_error: float | None) -> DeviceSection:
    """Return the report's section `device`."""
    core = core_of_cpuid(info.cpuid) if info.cpuid else ", ".join(cores_of_parts(board.cpu_part or ""))
    return DeviceSection(
        board=info.board,
        machine=info.machine or board.architecture,
        core=core or None,
        cpuid=f"{info.cpuid:#010x}" if info.cpuid else None,
        cpu=board.cpu,
        model=board.machine,
        unit=info.unit,
        mismatches=differences(target, info, board) or None,
        clock_error=clock_error,
    )


def _microcontroller(target: Target, info: DeviceInfo) -> list[tuple[str, str, str]]:
    if target.cpu == NATIVE:
        return [("board", target.name, info.board), ("machine", platform.machine(), info.machine or "")]
    core = core_of_cpuid(info.cpuid) if info.cpuid else info.machine or ""
    return [("board", target.name, info.board), ("core", _expected_core(target), core)]


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


@dataclass(frozen=True)
class ClockReading:
    """The device's counter in seconds, this host's clock in seconds, and how long the answer took."""

    device_s: float
    host_s: float
    answer_s: float


def read_clock(session: Session) -> ClockReading | None:
    """Read the device's counter; None if its STATS have no `uptime_us`."""
    begin = time.perf_counter()
    uptime = session.stats().uptime_us
    answer = time.perf_counter() - begin
    return None if uptime is None else ClockReading(uptime / 1e6, begin + answer / 2, answer)


def clock_error(first: ClockReading | None, last: ClockReading | None) -> float | None:
    """Return by what part the device's counter is fast (slow, if negative) by this host's clock.

    None if the readings are too close together for that.
    """
    if first is None or last is None:
        return None
    elapsed = last.host_s - first.host_s
    if elapsed < CLOCK_SECONDS or (first.answer_s + last.answer_s) / 2 > CLOCK_SURE * elapsed:
        return None
    return round((last.device_s - first.device_s) / elapsed - 1, 4)
