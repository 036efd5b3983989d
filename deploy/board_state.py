"""The state of a Linux board, as its agent answers BOARD: checked field by field; and whether it was slowed down."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.agent.linux import SINCE_BOOT, THROTTLED_NOW
from errors import DeviceError
from fields import INTEGER_LIMIT, Fields, Source, load_json

TEXTS = (
    "architecture",
    "cpu",
    "cpu_part",
    "machine",
    "os",
    "kernel",
    "python",
    "governor",
    "tpu",
    "tpu_path",
    "tpu_runtime",
)
COUNTS = ("cores", "throttled_word", "throttle_count")
CPU_HZ_MAX = 10**11
CELSIUS = (-1000.0, 10_000.0)
CPU_DOMAINS_MAX = 1024
NEXT_STEP = "deploy this checkout's agent again"


@dataclass(frozen=True)
class BoardState:
    """What the kernel of a Linux board reports now. None is what it does not know.

    `architecture` is that of `uname -m`, `machine` the device tree's model; `cpu` is the model's name and `cpu_part`
    implementers and parts of /proc/cpuinfo, as `0x41:0xd08`. `cpu_hz` is in hertz, one for each clock domain;
    `throttled_word` is a Raspberry Pi's `get_throttled`; `throttle_count` counts the times a core was slowed down by
    heat; `tpu` is the Edge TPU, as `usb:0`, with its path and the version of libedgetpu.
    """

    architecture: str | None = None
    cpu: str | None = None
    cpu_part: str | None = None
    machine: str | None = None
    os: str | None = None
    kernel: str | None = None
    python: str | None = None
    governor: str | None = None
    cores: int | None = None
    cpu_hz: tuple[int, ...] | None = None
    temperature_c: float | None = None
    throttled_word: int | None = None
    throttle_count: int | None = None
    tpu: str | None = None
    tpu_path: str | None = None
    tpu_runtime: str | None = None


def parse_board(text: bytes, where: str) -> BoardState:
    """Return the fields that are known; those of a newer agent are ignored. Raises DeviceError on one that is wrong."""
    return read_board(load_json(text, Source(f"{where}: BOARD", DeviceError, NEXT_STEP)))


def read_board(board: Fields) -> BoardState:
    """Return the fields that are known. Raises the source's error on one that is wrong."""
    texts = {name: board.text(name) for name in TEXTS if name in board.values}
    counts = {name: board.integer(name, 0, INTEGER_LIMIT) for name in COUNTS if name in board.values}
    return BoardState(**texts, **counts, cpu_hz=_cpu_hz(board), temperature_c=_temperature(board))  # type: ignore[arg-type]


def slowed_down(before: BoardState, after: BoardState) -> list[str] | None:
    """Return the kernel's reasons why the board ran slower than it can in between; None if it can't tell."""
    reasons: list[str] = []
    first, last = before.throttled_word, after.throttled_word
    if first is not None and last is not None:
        happened = (first | last | (last & ~first) >> SINCE_BOOT) & 0xF
        reasons += [text for bit, text in THROTTLED_NOW.items() if happened >> bit & 1]
    elif before.throttle_count is None or after.throttle_count is None:
        return None
    if (after.throttle_count or 0) > (before.throttle_count or 0):
        reasons.append("too hot")
    return reasons


def _cpu_hz(board: Fields) -> tuple[int, ...] | None:
    if "cpu_hz" not in board.values:
        return None
    return board.integers("cpu_hz", 0, CPU_HZ_MAX, least=1, most=CPU_DOMAINS_MAX)


def _temperature(board: Fields) -> float | None:
    return board.number("temperature_c", *CELSIUS) if "temperature_c" in board.values else None
