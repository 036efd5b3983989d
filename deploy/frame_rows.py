"""Frames with parity out of many encodings at once, in steps of numpy that each do for all what Python does for one.

What it gives for each frame is what `frames.decode` gives. It also runs on the device, inside the agent.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import Any

from deploy import parity, parity_rows

HEADER = struct.Struct("<BBHH")
"""Version, type, sequence number, length of the payload."""
CRC = struct.Struct("<I")
OVERHEAD = HEADER.size + CRC.size
MASK = 0x55
MAX_VERSION = 8
"""Versions are 1 to 8: text never has one of these bytes, so a second byte in that range marks a frame."""
_WIDTH = parity.LONGEST + 1
_SHORTEST = 1 + OVERHEAD + parity.BYTES
_MOST_BLOCKS = 12
"""A frame of random bytes has one or two blocks of COBS, one of many zeros is decoded alone."""

Fields = tuple[int, int, bytes, int, int]
"""Type, sequence number, payload, version, and how many bytes were repaired."""


def decode(chunks: Sequence[bytes]) -> tuple[list[Fields | None], list[int]]:
    """Return the fields of the frames that have these encodings, None for a damaged one.

    The encodings have no zeros. Beside the fields are the places of those that are to be decoded one by one: they have
    no parity, or are not as most are. Their fields are None.
    """
    fields: list[Fields | None] = [None] * len(chunks)
    others: list[int] = []
    places: list[int] = []
    for place, chunk in enumerate(chunks):
        (places if _SHORTEST <= len(chunk) <= _WIDTH else others).append(place)
    if not places:
        return fields, others  # long frames alone need neither numpy nor the tables
    np: Any = parity.tables()[0]
    sizes = np.array([len(chunks[place]) for place in places])
    flat = np.frombuffer(bytearray().join([chunks[place].rjust(_WIDTH, b"\0") for place in places]), np.uint8)
    is_whole, is_left = _without_cobs(np, flat, sizes)
    lengths = _starts(np, sizes) + HEADER.size - 1  # where the header has the length
    has_none = is_whole & (flat[lengths] + 256 * flat[lengths + 1].astype(np.intp) == sizes - 1 - OVERHEAD)
    others += [places[i] for i in np.flatnonzero(is_left | has_none).tolist()]
    chosen = np.flatnonzero(is_whole & ~has_none)
    if len(chosen):
        others += _checked(np, flat.reshape(-1, _WIDTH)[chosen], sizes[chosen] - 1, [places[i] for i in chosen], fields)
    return fields, others


def _without_cobs(np: Any, flat: Any, sizes: Any) -> tuple[Any, Any]:
    """Take the codes of COBS out of encodings (n * 256,), in place; return which (n,) are whole, and which not done.

    Each encoding ends where its row ends. What is decoded ends there too, and is a byte shorter.
    """
    ends = _WIDTH * np.arange(1, len(sizes) + 1)
    at, left = _starts(np, sizes), np.arange(len(sizes))
    is_whole, is_left = np.zeros(len(sizes), bool), np.zeros(len(sizes), bool)
    for _ in range(_MOST_BLOCKS):
        codes = flat[at]
        flat[at] = 0  # the zero that the code before stands for
        at = at + codes
        is_whole[left[at == ends]] = True
        goes_on = at < ends
        is_left[left[goes_on & (codes == 255)]] = True  # no zero follows such a block
        goes_on &= codes < 255
        left, at, ends = left[goes_on], at[goes_on], ends[goes_on]
        if not len(left):
            break
    is_left[left] = True
    return is_whole, is_left


def _checked(np: Any, padded: Any, sizes: Any, places: list[int], fields: list[Fields | None]) -> list[int]:
    """Repair frames (n, 256), and put the fields of those with a right checksum into their places.

    Return the places of those that were repaired to something else than was sent.
    """
    counts = parity_rows.repair(padded[:, 1:], sizes)
    padded ^= MASK
    padded.reshape(-1)[_starts(np, sizes)] ^= MASK
    data = padded.tobytes()
    view, starts, first = memoryview(data), _starts(np, sizes), HEADER.size
    ends = (starts + sizes - parity.BYTES - CRC.size).tolist()
    heads = np.frombuffer(data, np.uint8)[starts[:, None] + np.arange(first)].view("<u2").tolist()
    checksums = padded[:, -parity.BYTES - CRC.size : -parity.BYTES].copy().view("<u4")[:, 0].tolist()
    wrong = []
    each = zip(places, heads, checksums, starts.tolist(), ends, counts.tolist())  # noqa: B905 (3.9)
    for place, (kind, seq, length), checksum, start, end, count in each:
        is_right = zlib.crc32(view[start:end]) == checksum
        if is_right and length == end - start - first and 1 <= kind & 0xFF <= MAX_VERSION:
            fields[place] = kind >> 8, seq, data[start + first : end], kind & 0xFF, max(count, 0)
        elif count > 0:
            wrong.append(place)
    return wrong


def _starts(np: Any, sizes: Any) -> Any:
    """Return where the bytes of each row (n,) begin; `sizes` (n,) says how many at its end are used."""
    return _WIDTH * np.arange(1, len(sizes) + 1) - sizes
