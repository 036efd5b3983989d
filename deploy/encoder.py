"""Inputs in fewer bytes, where that is less: docs/protocol.md, "Coding"."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deploy.coding import GROUP, HEADER, PLAIN

MOST_BYTES = 0x8000
"""Of an input in one frame."""
_HEAD_BITS = 3
_SAMPLES = 16
_START_BYTES = 16
"""What the first bytes of a part take more than others, about: nothing is known of those before them."""

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """Bytes of an input from `start` to before `end`; `code` is what WRITE has in place of them."""

    start: int
    end: int
    groups: int
    code: bytes


def share(data: bytes, distance: int) -> float:
    """Return about how much of an input its code is, from samples of it; 1 or more if it is not worth it."""
    unit = math.lcm(GROUP, distance)
    count = min(_SAMPLES, len(data) // unit)
    if count == 0:
        return 1.0
    step = len(data) // unit // count * unit
    sample = b"".join(data[at : at + unit] for at in range(0, count * step, step))
    return float(_bits(_numbers(sample, distance)).min(axis=1).sum()) / 8 / len(sample)


def parts(data: bytes, distance: int, most: int, longest: int = MOST_BYTES) -> list[Part]:
    """Code an input in parts of whole groups, each of at most `most` bytes; a part can be decoded alone.

    `distance` is how far back the byte is that is most alike: the number of channels of a picture, 1 to 4. A part is of
    at most `longest` bytes of the input. Raises ValueError if a part does not fit.
    """
    unit = math.lcm(GROUP, distance) // GROUP  # a part begins with the first channel
    costs = _bits(_numbers(data, distance)).min(axis=1)
    found, at = [], 0
    room = 8 * (most - HEADER.size - 1 - _START_BYTES)
    while at < len(costs):
        fit = int(np.searchsorted(np.cumsum(costs[at : at + longest // GROUP]), room, "right"))
        part = _part(data, distance, at, max(unit, fit - fit % unit))
        while len(part.code) > most and part.groups > unit:
            part = _part(data, distance, at, part.groups - unit)
        if len(part.code) > most:
            raise ValueError(f"{part.end - part.start} bytes take {len(part.code)}, expected at most {most}")
        found.append(part)
        at += part.groups
    return found


def _part(data: bytes, distance: int, at: int, groups: int) -> Part:
    start, end = at * GROUP, min(len(data), (at + groups) * GROUP)
    return Part(start, end, groups, HEADER.pack(end - start) + encode(data[start:end], distance))


def encode(data: bytes, distance: int) -> bytes:
    """Return the code of some bytes."""
    numbers = _numbers(data, distance)
    choice = _bits(numbers).argmin(axis=1)
    low = np.repeat(choice, GROUP)[: len(numbers)]
    is_plain = low == PLAIN
    low, ones = np.where(is_plain, 8, low), np.where(is_plain, 0, numbers >> np.minimum(low, PLAIN))
    sizes = ones + ~is_plain + low
    starts = np.arange(len(numbers)) % GROUP == 0
    ends = np.cumsum(sizes + _HEAD_BITS * starts)
    bits = np.zeros(int(ends[-1]) if len(ends) else 0, np.uint8)
    _put(bits, (ends - sizes)[starts] - _HEAD_BITS, choice, np.full(len(choice), _HEAD_BITS))
    run = np.repeat(ends - sizes - np.cumsum(ones) + ones, ones) + np.arange(int(ones.sum()))
    bits[run] = 1
    _put(bits, ends - low, numbers, low)
    return bytes([distance]) + np.packbits(bits).tobytes()


def _put(bits: npt.NDArray[np.uint8], places: Numbers, values: Numbers, sizes: Numbers) -> None:
    for bit in range(8):
        has = sizes > bit
        bits[places[has] + sizes[has] - 1 - bit] = values[has] >> bit & 1


def _numbers(data: bytes, distance: int) -> Numbers:
    """Return by how much each byte differs from what those before it let expect: small differences, small numbers."""
    values = np.frombuffer(data, np.uint8).astype(np.int64)
    steps = values.copy()
    steps[distance:] -= values[:-distance]
    rest = steps.copy()
    rest[1:] -= steps[:-1]
    first = np.arange(len(values)) % distance == 0
    signed = (np.where(first, steps, rest) + 128) % 256 - 128
    return np.where(signed < 0, -2 * signed - 1, 2 * signed)


def _bits(numbers: Numbers) -> Numbers:
    """Return the bits that each group takes with each number of low bits, its head included (groups, 8)."""
    padded = np.zeros(-(-len(numbers) // GROUP) * GROUP, np.int64)
    padded[: len(numbers)] = numbers
    groups = padded.reshape(-1, GROUP)
    sizes = np.minimum(GROUP, len(numbers) - GROUP * np.arange(len(groups)))
    costs = [(groups >> low).sum(axis=1) + (low + 1) * sizes for low in range(PLAIN)]
    return np.stack([*costs, 8 * sizes], axis=1) + _HEAD_BITS
