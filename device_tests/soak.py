"""Inferences for hours: what went wrong, whether memory grows, and a journal of it that a crash does not take away."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest

from device_tests.inputs import random_example
from device_tests.memory import Marks
from device_tests.support import DeviceUnderTest
from errors import DeviceError, Error, LinkError

INPUTS = 50
"""How many inputs there are beside the user's pictures; they take turns, so that the reference is computed once."""
MARK_S = 30.0
"""How often memory is looked at and the journal gets a line, and a short soak a tenth of its time."""
GIVE_UP_S = 300.0
RETRY_S = 1.0
SHOWN_EVENTS = 20


@dataclass
class Result:
    """What a soak has done so far. `events` are the failures, each with the second in which it happened."""

    target: str
    wanted_s: float
    seconds: float = 0.0
    inferences: int = 0
    wrong: int = 0
    cuts: int = 0
    resent_frames: int = 0
    damaged_frames: int = 0
    first: dict[str, int] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Return it as one line for a person."""
        memory = ", ".join(f"{name} {self.first.get(name, 0):,} -> {size:,} bytes" for name, size in self.last.items())
        return (
            f"{self.target}: {self.seconds:,.0f} of {self.wanted_s:,.0f} s, {self.inferences:,} inferences, "
            f"{self.wrong} wrong, {self.cuts} cuts, {self.resent_frames} frames sent again; "
            f"memory: {memory or 'unknown'}"
        )


class Soak:
    """A plugin of pytest: runs the soak, shows a line from time to time, and a summary in the end.

    `clock` gives seconds from any start.
    """

    NAME = "device-soak"

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.results: list[Result] = []
        self._clock = clock

    def run(self, device: DeviceUnderTest, seconds: float, journal: Path | None, show: Callable[[str], None]) -> Result:
        """Infer for so many seconds, and return what happened; it is in `journal` line by line as well.

        A device that is lost is started or opened again, which is an event. Raises LinkError if it does not come back.
        """
        result = Result(device.target.name, seconds)
        self.results.append(result)
        inputs = [*device.inputs(device.count)]
        inputs += [random_example(device.session.info.inputs, seed) for seed in range(INPUTS)]
        expected = [device.reference(data) for data in inputs]
        started, mark_s = self._clock(), min(MARK_S, seconds / 10)
        next_mark = started + mark_s
        write(journal, {"begin": time.time(), **asdict(result)})
        self._mark(device, result)
        while (now := self._clock()) < started + seconds:
            result.seconds = now - started
            self._infer(device, result, inputs, expected)
            if now >= next_mark:
                next_mark = now + mark_s
                self._mark(device, result)
                write(journal, asdict(result))
                show(result.text())
        result.seconds = self._clock() - started
        self._mark(device, result)
        write(journal, {"end": time.time(), **asdict(result)})
        return result

    def _infer(self, device: DeviceUnderTest, result: Result, inputs: list[bytes], expected: list[bytes]) -> None:
        at = result.inferences % len(inputs)
        try:
            output = device.session.infer(inputs[at]).output_bytes
        except (LinkError, DeviceError) as e:
            result.cuts += 1
            self._event(result, str(e))
            _come_back(device)
            return
        result.inferences += 1
        if output != expected[at]:
            result.wrong += 1
            self._event(result, f"input {at}: {output[:16].hex()} in place of {expected[at][:16].hex()}")

    def _mark(self, device: DeviceUnderTest, result: Result) -> None:
        session = device.session
        try:
            marks = Marks.of(session.stats())
        except (LinkError, DeviceError) as e:
            result.cuts += 1
            self._event(result, str(e))
            _come_back(device)
            return
        if result.first and (growth := Marks(*map(result.first.get, ("stack", "arena", "heap"))).growth(marks)):
            self._event(result, f"memory grew: {growth}")
        if not result.first and (result.inferences or device.session.inferences):
            result.first = marks.known()
        result.last = marks.known()
        result.resent_frames, result.damaged_frames = session.resent_frames, session.damaged_frames

    def _event(self, result: Result, text: str) -> None:
        result.events.append(f"after {result.seconds:.0f} s: {' '.join(text.split())[:300]}")
        del result.events[SHOWN_EVENTS:]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the summary, also of a soak that was stopped."""
        if self.results:
            terminalreporter.section("soak")
            for result in self.results:
                terminalreporter.write_line(result.text())
                for event in result.events:
                    terminalreporter.write_line(f"  {event}")


def write(journal: Path | None, values: dict[str, object]) -> None:
    """Append a line of JSON to the journal; it is on disk when this returns."""
    if journal is None:
        return
    with journal.open("a") as file:
        file.write(json.dumps(values) + "\n")
        file.flush()


def _come_back(device: DeviceUnderTest) -> None:
    """Start a lost device again, or open its line again. Raises LinkError if it does not answer in GIVE_UP_S."""
    limit = time.monotonic() + GIVE_UP_S
    while True:
        try:
            if device.started is not None:
                device.restart()
            else:
                device.session.link.close()
                device.session.link.open()
                device.session.shake_hands()
            return
        except Error as e:
            if time.monotonic() > limit:
                raise LinkError(f"{device.target.name}: did not come back in {GIVE_UP_S:g} s: {e}") from e
        time.sleep(RETRY_S)
