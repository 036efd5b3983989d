"""The request TRACE: hashes of what each operator of a traced firmware has computed, and bytes of one tensor."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from deploy.frames import Type
from deploy.session import Session
from errors import DeviceError

_HASHES, _SELECT, _COLLECTED = 0, 1, 2
_FROM = struct.Struct("<BH")
_TOTAL = struct.Struct("<H")
_HASH = struct.Struct("<HII")
_SELECTION = struct.Struct("<BHII")
_PART = struct.Struct("<BHH")
MOST_TENSORS = 4096
MOST_COLLECTED = 1021
"""Bytes that a device collects: those of a frame of 1,024."""
PART_BYTES = 512
HASHES_BYTES = 4


@dataclass(frozen=True)
class TensorHash:
    """A tensor of the `.tflite` by its index there: how many of its bytes were computed, and their FNV-1a hash."""

    tensor: int
    bytes: int
    hash: int


def expect_traced(session: Session) -> None:
    """Raise DeviceError if the device's firmware was built without hashes."""
    if not session.info.traced:
        raise DeviceError(
            f"{session.link.name}: its firmware was not built to be traced; leave --link out, flash what `./inv trace` "
            "builds with --target alone, or export with --with-trace --with-protocol"
        )


def hashes(session: Session) -> tuple[TensorHash, ...]:
    """Return what the last inference computed, in order. Raises DeviceError if the device says what can't be."""
    found: list[TensorHash] = []
    while True:
        head = _FROM.pack(_HASHES, len(found))
        reply = session.request(Type.TRACE, head, 1024)
        body = reply[len(head) + _TOTAL.size :]
        if reply[: len(head)] != head or len(reply) < len(head) + _TOTAL.size or len(body) % _HASH.size:
            raise _wrong(session, head, reply)
        (total,) = _TOTAL.unpack_from(reply, len(head))
        found += [TensorHash(*part) for part in _HASH.iter_unpack(body)]
        if total > MOST_TENSORS or len(found) > total or (not body and len(found) < total):
            raise _wrong(session, head, reply)
        if len(found) == total:
            return tuple(found)


def collect_blocks(session: Session, data: bytes, tensor: int, size: int) -> tuple[int, ...]:
    """Run on an input, and return the hash of each block of `size` bytes of a tensor, as many as the device holds."""
    raw = _collect(session, data, tensor, 0, size)
    return tuple(value for (value,) in struct.iter_unpack("<I", raw[: len(raw) // HASHES_BYTES * HASHES_BYTES]))


def collect_bytes(session: Session, data: bytes, tensor: int, offset: int) -> bytes:
    """Run on an input, and return bytes of a tensor from `offset` on, as many as the device holds."""
    return _collect(session, data, tensor, offset, 0)


def _collect(session: Session, data: bytes, tensor: int, offset: int, block: int) -> bytes:
    selection = _SELECTION.pack(_SELECT, tensor, offset, block)
    reply = session.request(Type.TRACE, selection)
    if reply != selection:
        raise _wrong(session, selection, reply)
    session.infer(data)
    collected = b""
    while len(collected) <= MOST_COLLECTED:
        head = _PART.pack(_COLLECTED, len(collected), PART_BYTES)
        reply = session.request(Type.TRACE, head, PART_BYTES)
        if reply[:3] != head[:3] or len(reply) - 3 > PART_BYTES:
            raise _wrong(session, head, reply)
        collected += reply[3:]
        if len(reply) - 3 < PART_BYTES:
            break
    return collected


def _wrong(session: Session, request: bytes, reply: bytes) -> DeviceError:
    return DeviceError(
        f"{session.link.name}: TRACE {request.hex()} was answered by {len(reply)} bytes from {reply[:5].hex()}; "
        "rebuild and flash the firmware"
    )
