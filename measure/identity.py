"""What a device says of itself, for the report, and its counter by this host's clock."""

from __future__ import annotations

import time
from dataclasses import dataclass

from deploy.board_state import BoardState
from deploy.cores import core_of_cpuid, cores_of_parts
from deploy.identity import differences
from deploy.info import DeviceInfo
from deploy.session import Session
from measure.report import DeviceSection, LabSection
from target import Target

CLOCK_SURE = 0.005
"""Most uncertainty of a comparison that counts, from the time that the answers took."""
CLOCK_SECONDS = 1.0


def section(
    target: Target, info: DeviceInfo, board: BoardState, clock_error: float | None, lab: LabSection | None = None
) -> DeviceSection:
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
        lab=lab,
    )


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
