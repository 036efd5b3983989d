"""Frames of the wire protocol (docs/protocol.md), and the text between them.

Framing is COBS with a zero at both ends (Cheshire and Baker 1999); the checksum is zlib's CRC-32. This module also runs
on the device, inside the agent, so it needs nothing but Python 3.9, and numpy for parity.
"""

from __future__ import annotations

import enum
import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple, Union

from deploy import cobs_py as cobs
from deploy import frame_rows, parity, parity_rows
from deploy.frame_rows import CRC, HEADER, MASK, MAX_VERSION, OVERHEAD

VERSION = 1
MAX_PAYLOAD = 0xFFFF

# Payloads: WRITE's before its bytes, its answer's with their count, RUN's count, and the map of WRITE's answer.
CHUNK = struct.Struct("<BI")
STORED = struct.Struct("<BIH")
COUNT = struct.Struct("<H")
MAP = struct.Struct("<Q")
REPAIRED = struct.Struct("<B")
WITH_MAP = 0x80
"""Added to WRITE's tensor: its answer also says which of the granules around it are stored."""
GRANULE = 64
MAP_GRANULES = 8 * MAP.size
MAP_BEFORE = 32
MOST_TOGETHER = 4
"""So many WRITEs with a map may have one answer."""
LONGEST_REPAIRABLE = parity.LONGEST - parity.BYTES - OVERHEAD
"""Payload of the longest frame that can have parity, in bytes."""
_MASKED = b"\0" + bytes([MASK]) * (parity.LONGEST - parity.BYTES)
"""What is added, without carries, to a frame with parity: small numbers are frequent, and COBS marks each zero."""
FEW_TO_ENCODE, FEW_TO_REPAIR = 4, 16
"""Of fewer frames, each is encoded or repaired by itself, which is then faster."""
_PRINTABLE = b"\t\r\n" + bytes(range(0x20, 0x7F))


class Type(enum.IntEnum):
    """What a frame is. A reply's type is its request's with the top bit set."""

    INFO = 0x01
    STATS = 0x02
    WRITE = 0x03
    RUN = 0x04
    READ = 0x05
    RESET = 0x06
    PING = 0x07
    BOARD = 0x08
    TRACE = 0x09
    LOG = 0x60
    ERROR = 0xFF


REPLY = 0x80


class Code(enum.IntEnum):
    """Why a device refuses a request."""

    VERSION = 1
    TYPE = 2
    LENGTH = 3
    RANGE = 4
    INPUT = 5
    ENGINE = 6
    BUSY = 7


class Frame(NamedTuple):
    """One frame: `type` and `seq` as on the wire, `payload` up to 65,535 bytes.

    `repaired` is how many damaged bytes its parity has repaired; None is a frame without parity.
    """

    type: int
    seq: int
    payload: bytes
    version: int = VERSION
    repaired: int | None = None


class Text(NamedTuple):
    """One line that is not a frame: a boot message or a command of MLPerf Tiny. Printable ASCII without its end."""

    line: str


Item = Union[Frame, Text]  # noqa: UP007 (the device may have Python 3.9)


def encode(frame: Frame) -> bytes:
    """Return the bytes on the line, with the zero at both ends; with parity if `repaired` is not None.

    Raises ValueError on a field that does not fit.
    """
    body = _body(frame)
    return _on_line(body if frame.repaired is None else body + parity.of(body))


def encode_all(frames: Sequence[Frame]) -> list[bytes]:
    """Return what `encode` does for each of some frames, in less time for many with parity."""
    if len(frames) < FEW_TO_ENCODE or any(frame.repaired is None for frame in frames):
        return [encode(frame) for frame in frames]
    bodies = [_body(frame) for frame in frames]
    return [_on_line(body + more) for body, more in zip(bodies, parity_rows.of(bodies))]  # noqa: B905 (3.9)


def _body(frame: Frame) -> bytes:
    """Return header, payload and checksum, with the mask if parity is to follow."""
    most = MAX_PAYLOAD if frame.repaired is None else LONGEST_REPAIRABLE
    if len(frame.payload) > most:
        raise ValueError(f"payload: expected at most {most} bytes, got {len(frame.payload)}")
    try:
        body = HEADER.pack(frame.version, frame.type, frame.seq, len(frame.payload)) + frame.payload
    except struct.error as e:
        raise ValueError(f"frame header: {e}") from e
    body += CRC.pack(zlib.crc32(body))
    return body if frame.repaired is None else _masked(body)


def _on_line(body: bytes) -> bytes:
    encoded: bytes = cobs.encode(body)
    return b"\0" + encoded + b"\0"


def _masked(body: bytes) -> bytes:
    """Return bytes with the mask; those of masked bytes are what they were."""
    size = len(body)
    return (int.from_bytes(body, "big") ^ int.from_bytes(_MASKED[:size], "big")).to_bytes(size, "big")


def encoded_size(payload_size: int, *, with_parity: bool = False) -> int:
    """Return the most bytes that a frame with a payload of this size takes on the line."""
    body = OVERHEAD + payload_size + (parity.BYTES if with_parity else 0)
    return body + body // 254 + 1 + 2


def payload_that_fits(line_bytes: int) -> int:
    """Return the largest payload whose frame takes at most `line_bytes` on the line, 0 if none does."""
    size = max(0, min(MAX_PAYLOAD, line_bytes - OVERHEAD - 3))
    while size and encoded_size(size) > line_bytes:
        size -= 1
    return size


def first_in_map(offset: int) -> int:
    """Return the granule of bit 0 in the map of an answer to a WRITE at `offset`."""
    return max(0, offset // GRANULE - MAP_BEFORE)


def decode(chunk: bytes) -> Frame | None:
    """Return the frame whose encoding (without the zeros around it) is `chunk`, or None if it is damaged."""
    body = _decoded(chunk)
    if not _may_have_parity(body):
        return _checked(body, None)
    frame = _checked(_masked(body[: -parity.BYTES]), 0)
    if frame is None and (found := parity.repaired(body)):
        whole, count = found
        frame = _checked(_masked(whole[: -parity.BYTES]), count)
    return frame


def decode_all(chunks: Sequence[bytes]) -> list[Frame | None]:
    """Return what `decode` does for each of some chunks, in less time for many with parity."""
    if len(chunks) < FEW_TO_REPAIR:
        return [decode(chunk) for chunk in chunks]
    fields, others = frame_rows.decode(chunks)
    frames = [None if of_one is None else Frame._make(of_one) for of_one in fields]
    for place in others:
        frames[place] = decode(chunks[place])
    return frames


def _decoded(chunk: bytes) -> bytes:
    """Return the bytes of a frame, as they were before COBS; none if its encoding is damaged."""
    try:
        body = cobs.decode(chunk)
    except cobs.DecodeError:
        return b""
    return body if len(body) >= OVERHEAD else b""


def _may_have_parity(body: bytes) -> bool:
    is_long_enough = OVERHEAD + parity.BYTES <= len(body) <= parity.LONGEST
    return is_long_enough and HEADER.unpack_from(body)[3] != len(body) - OVERHEAD


def _checked(body: bytes, repaired: int | None) -> Frame | None:
    """Return the frame with this header, payload and checksum, or None if it is damaged."""
    if not body:
        return None
    version, kind, seq, size = HEADER.unpack_from(body)
    if size != len(body) - OVERHEAD or not 1 <= version <= MAX_VERSION:
        return None
    if CRC.unpack_from(body, len(body) - CRC.size)[0] != zlib.crc32(memoryview(body)[: -CRC.size]):
        return None
    return Frame(kind, seq, body[HEADER.size : -CRC.size], version, repaired)


class Decoder:
    """Frames and lines of text out of bytes that come in any pieces. Never raises.

    `damaged` counts what was between two zeros and is neither: a wrong CRC, a frame cut short or longer than
    `max_frame` encoded bytes, text with unprintable bytes. `frames` counts the good ones. A line of text ends at
    `text_end`, at a zero, or at `max_text` bytes.
    """

    def __init__(self, max_frame: int = encoded_size(MAX_PAYLOAD), text_end: bytes = b"\n", max_text: int = 1024):
        self.max_frame = max_frame
        self.text_end = text_end
        self.max_text = max_text
        self.frames = 0
        self.damaged = 0
        self._chunk = bytearray()
        self._is_text = False
        self._is_bad = False

    def feed(self, data: bytes) -> list[Item]:
        """Take bytes as they came; return the frames and lines that they complete, in order."""
        found: list[Item | bytes] = []
        *pieces, rest = data.split(b"\0")
        is_begun = bool(self._chunk or self._is_text or self._is_bad)
        for piece in pieces:
            if not is_begun and 1 < len(piece) <= self.max_frame and 1 <= piece[1] <= MAX_VERSION:
                found.append(piece)
            elif piece or is_begun:
                self._extend(piece, found)
                self._end_chunk(found)
                is_begun = False
        self._extend(rest, found)
        return self._decoded(found)

    def _decoded(self, found: list[Item | bytes]) -> list[Item]:
        """Return what was found, with frames in place of their encodings, without those that are damaged."""
        chunks = [item for item in found if isinstance(item, bytes)]
        frames = decode_all(chunks)
        whole: list[Item] = [frame for frame in frames if frame is not None]
        self.frames += len(whole)
        self.damaged += len(frames) - len(whole)
        if len(chunks) == len(found):
            return whole
        decoded = iter(frames)
        items = [next(decoded) if isinstance(item, bytes) else item for item in found]
        return [item for item in items if item is not None]

    def _extend(self, piece: bytes, items: list[Item | bytes]) -> None:
        if self._is_bad and not self._is_text:
            return
        self._chunk += piece
        if not self._is_text and len(self._chunk) > 1:
            self._is_text = not 1 <= self._chunk[1] <= MAX_VERSION
        if self._is_text:
            self._take_lines(items)
        elif len(self._chunk) > self.max_frame:
            self._is_bad = True
            self.damaged += 1
            self._chunk.clear()

    def _end_chunk(self, items: list[Item | bytes]) -> None:
        chunk = bytes(self._chunk)
        if self._is_text or len(chunk) == 1:
            self._take_line(chunk, items)
        elif chunk:
            items.append(chunk)
        self._chunk.clear()
        self._is_text = self._is_bad = False

    def _take_lines(self, items: list[Item | bytes]) -> None:
        while True:
            end = self._chunk.find(self.text_end, 0, self.max_text + 1)
            if end < 0 and len(self._chunk) <= self.max_text:
                return
            size, skip = (end, len(self.text_end)) if end >= 0 else (self.max_text, 0)
            line = bytes(self._chunk[:size])
            del self._chunk[: size + skip]
            self._take_line(line, items)

    def _take_line(self, line: bytes, items: list[Item | bytes]) -> None:
        if line.translate(None, _PRINTABLE):
            if not self._is_bad:  # One damaged frame may look like many lines.
                self.damaged += 1
            self._is_bad = True
            return
        text = line.translate(None, b"\r\n").decode("ascii")
        if text:
            items.append(Text(text))
