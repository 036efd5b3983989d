"""What a Linux board's agent answers to BOARD, checked field by field, and whether it was slowed down meanwhile."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from deploy.agent.linux import SINCE_BOOT, THROTTLED_NOW
from errors import DeviceError
from fields import Source, load_json, shown

TEXTS = ("machine", "os", "kernel", "python", "governor", "tpu", "tpu_path", "tpu_runtime")
COUNTS = ("cores", "throttled_word", "throttle_count")
NEXT_STEP = "deploy this checkout's agent again"
CPU_HZ_MAX = 10**11


def parse_board(text: bytes, where: str) -> dict[str, Any]:
    """Return the fields that are known, those of agent/linux.py. Raises DeviceError on one that can't be right."""
    source = Source(f"{where}: BOARD", DeviceError, NEXT_STEP)
    found = load_json(text, source).values
    checked: dict[str, Any] = {}
    for name, value in found.items():
        if name in TEXTS:
            good = isinstance(value, str) and 0 < len(value) <= 200 and value.isprintable()
        elif name in COUNTS:
            good = _is_count(value, 1 << 62)
        elif name == "temperature_c":
            good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        elif name == "cpu_hz":
            good = isinstance(value, list) and 0 < len(value) <= 1024 and all(_is_count(v, CPU_HZ_MAX) for v in value)
        else:
            continue  # a newer agent's
        if not good:
            raise source.wrong(f"key {name}: got {shown(value)}")
        checked[name] = value
    return checked


def slowed_down(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str] | None:
    """Return why the board was slower than it can be in between, by the kernel's words; None if it can't tell."""
    reasons: list[str] = []
    if "throttled_word" in before and "throttled_word" in after:
        first, last = before["throttled_word"], after["throttled_word"]
        happened = (first | last | (last & ~first) >> SINCE_BOOT) & 0xF
        reasons += [text for bit, text in THROTTLED_NOW.items() if happened >> bit & 1]
    elif "throttle_count" not in before or "throttle_count" not in after:
        return None
    if after.get("throttle_count", 0) > before.get("throttle_count", 0):
        reasons.append("too hot")
    return reasons


def _is_count(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most
