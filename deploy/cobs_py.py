"""COBS in plain Python, for a device that lacks the `cobs` package; its bytes and errors are the same.

Source: Cheshire and Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on Networking 7(2), 1999.
"""

from __future__ import annotations

import re

_BLOCK = 254
_CODES = [bytes((size + 1,)) for size in range(_BLOCK)]
_ZEROS = re.compile(rb"\x01+")


class DecodeError(Exception):
    """The bytes are not the COBS encoding of anything."""


def encode(data: bytes) -> bytes:
    """Return the encoding of `data`: no byte of it is zero, at most one byte in 254 is added."""
    runs = bytes(data).split(b"\0")
    if max(map(len, runs)) < _BLOCK:
        return b"".join([_CODES[len(run)] + run for run in runs])
    out = []
    for run in runs:
        while len(run) >= _BLOCK:
            out.append(b"\xff" + run[:_BLOCK])
            run = run[_BLOCK:]
        out.append(_CODES[len(run)] + run)
    # A full block at the very end implies no zero after it, so the empty block that would follow is left out.
    if len(runs[-1]) >= _BLOCK and len(runs[-1]) % _BLOCK == 0:
        out.pop()
    return b"".join(out)


def decode(data: bytes) -> bytes:
    """Return what was encoded; raises DecodeError on a zero byte or a block that is cut short."""
    data = bytes(data)
    if b"\0" in data:
        raise DecodeError("zero byte in encoded data")
    out = []
    position, size, code = 0, len(data), 255
    while position < size:
        code = data[position]
        if code == 1:  # Each 01 here is one zero; a picture's black border is thousands of them.
            end = _ZEROS.match(data, position).end()  # type: ignore[union-attr]
            out.append(bytes(end - position))
        else:
            end = position + code
            if end > size:
                raise DecodeError("block is cut short")
            out.append(data[position + 1 : end])
            if code != 255:
                out.append(b"\0")
        position = end
    # The zero after the last block is the one that the encoder added.
    joined = b"".join(out)
    return joined if code == 255 else joined[:-1]
