"""A device that computes with LiteRT here and can be lost in mid-run, and what it is measured with."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import target
from artifact import Artifact, ImageFacts
from calibration.convert import Int8Facts
from datasets import Dataset
from deploy.agent.linux import board_facts
from deploy.board_state import BoardState
from deploy.info import Counter, DeviceInfo, Stats
from deploy.session import Inference
from errors import LinkError
from graph.oracle import Oracle, run_bytes
from measure.setup import Settings, Setup
from target import Target

PICTURES = 12
SETTINGS = Settings(
    images=PICTURES, seed=0, threads=1, kernels="xnnpack", link=None, fresh=False, runtime="auto", accept_new=False,
    device=None,
)  # fmt: skip


@dataclass
class Device:
    """A device and its session. It is lost after `lives` inferences of pictures, or the user stops it."""

    model: Path
    lives: int = 10**9
    unit: str = "ticks"
    end: BaseException = field(default_factory=lambda: LinkError("gone"))
    inferences: int = 0
    runs: int = 0
    resumed_bytes: int = 0
    stack_used: int = 5
    opened: list[int] = field(default_factory=list)
    is_closed: bool = False
    is_lost: bool = False
    is_other: bool = False
    rate: float = 1.0
    clock: Callable[[], float] = time.monotonic
    change: Callable[[bytes], bytes] = bytes
    counted: tuple[int, int] | None = None
    comes_back_with: int = 0
    comes_back_as: dict[str, Any] = field(default_factory=dict)
    link: Any = field(default_factory=lambda: SimpleNamespace(name="device"))
    state: BoardState = field(default_factory=BoardState)

    def __post_init__(self) -> None:
        self._oracle = Oracle(self.model, "reference")
        counter = Counter("clock", 1_000_000_000, self.unit)
        self.info = DeviceInfo(
            1,
            "board",
            "engine",
            "7",
            "reference",
            "ab" * 32,
            "0123",
            (),
            (),
            {"arena": 9},
            counter,
            64,
            80,
            True,
            False,
        )

    @contextmanager
    def session(self, lost: object = None) -> Iterator[Device]:
        self.is_closed = False
        if lost is not None:
            self.lives, self.is_lost = self.inferences + self.comes_back_with, False
            self.info = replace(self.info, **self.comes_back_as)
        yield self
        self.is_closed = True

    def remember(self, before: Device) -> None:
        """What a line is like does not matter here."""

    def infer(self, data: bytes) -> Inference:
        if self.inferences >= self.lives:
            self.is_lost = True
            raise self.end
        self.inferences += 1
        return Inference(self.change(run_bytes(self._oracle, [data])[0]), 1000, 0.0)

    def run(self, count: int) -> list[int]:
        self.runs += count
        return [2_000_000 // self.opened[-1]] * count

    def stats(self) -> Stats:
        assert not self.is_lost
        ticks, second = self.counted or (None, None)
        uptime_us = round(self.clock() * 1e6 * self.rate)
        return Stats(stack_used=self.stack_used, uptime_us=uptime_us, run_ticks=ticks, run_second_ticks=second)

    def board(self) -> BoardState:
        assert not self.is_lost
        return self.state


def honest(board: Target, info: DeviceInfo) -> tuple[BoardState, DeviceInfo]:
    """Return what a device says that is the board of its target."""
    state = BoardState(
        architecture=board.expect.machine or platform.machine(),
        cpu=str(board_facts().get("cpu", "")) or None,
        machine=f"{board.expect.model} Rev 1.5" if board.expect.model else None,
        cpu_part="" if board.cpu == "native" else "0x41:0xd08",
        cores=2,
    )
    return state, replace(info, board=board.name, cpuid=0x410FC240 if board.kind == "mcu" else 0)


def set_up(int8: Artifact[Int8Facts], data: Dataset, name: str, threads: int = 1) -> Setup:
    facts = ImageFacts(int8.sha256, {"model_file": 7})
    image = Artifact(int8.path, "firmware", "tiny", int8.sha256, facts, parents={"int8": int8.sha256})
    return Setup(target.load(name), image, int8, data, replace(SETTINGS, threads=threads))
