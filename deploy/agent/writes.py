"""Plain WRITEs that came together: a bad line has hundreds for an input, and frames cost an interpreter time."""

from __future__ import annotations

from collections.abc import Sequence

from deploy.agent.unanswered import Answer
from deploy.coding import CODED
from deploy.frames import CHUNK, VERSION, WITH_MAP, Frame, Item, Type

_WRITE = int(Type.WRITE)
_HEAD = CHUNK.size

Piece = tuple[int, bytes]
"""An offset in an input, and the bytes from there on."""


def plain_writes(items: Sequence[Item], at: int, input_sizes: Sequence[int]) -> tuple[list[Answer], list[Piece]]:
    """Return the answers and the pieces of WRITEs that begin at a place: with a map, without a code, for one input.

    There are none where another item begins, or a WRITE that does not fit and is to be refused.
    """
    first = items[at]
    if not isinstance(first, Frame) or first.type != _WRITE or not first.payload:
        return [], []
    flagged = first.payload[0]
    tensor = flagged & ~WITH_MAP
    if tensor == flagged or tensor >= CODED or tensor >= len(input_sizes):
        return [], []
    answers: list[Answer] = []
    pieces: list[Piece] = []
    parts: list[bytes] = []
    begin = end = 0
    size_of_input = input_sizes[tensor]
    for item in items[at:] if at else items:
        if item[0] != _WRITE:  # that of a line of text is the text
            break
        _, seq, payload, version, repaired = item
        size = len(payload) - _HEAD
        offset = int.from_bytes(payload[1:_HEAD], "little")
        if size < 0 or payload[0] != flagged or version != VERSION or offset + size > size_of_input:
            break
        if offset != end and parts:
            pieces.append((begin, b"".join(parts)))
            parts = []
        if not parts:
            begin = offset
        parts.append(payload[_HEAD:])
        end = offset + size
        answers.append((seq, (flagged, offset, size), repaired))
    if parts:
        pieces.append((begin, b"".join(parts)))
    return answers, pieces
