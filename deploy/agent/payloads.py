"""Payloads of requests: taking them apart, and refusing those that are not as the protocol has them."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable

from deploy import coding
from deploy.frames import Code


class Refusal(Exception):
    """A request that is answered with ERROR."""

    def __init__(self, code: Code, text: str):
        super().__init__(text)
        self.code = code


def decoded(code: bytes) -> bytes:
    """Return the bytes of a WRITE with a code. Raises Refusal if it is not that of as many as its header says."""
    if len(code) < coding.HEADER.size:
        raise Refusal(Code.LENGTH, f"a code takes at least {coding.HEADER.size} bytes, got {len(code)}")
    (count,) = coding.HEADER.unpack_from(code)
    chunk = coding.decode(code[coding.HEADER.size :], count)
    if chunk is None:
        raise Refusal(Code.LENGTH, f"WRITE: the code is not of {count} bytes")
    return chunk


def as_json(payload: bytes, make: Callable[[], dict[str, object]]) -> bytes:
    """Return the answer to a request without a payload."""
    expect_size(payload, 0)
    return json.dumps(make()).encode()


def unpack(layout: struct.Struct, payload: bytes) -> tuple[int, ...]:
    """Return the fields of a payload. Raises Refusal if it has another size."""
    expect_size(payload, layout.size)
    return layout.unpack(payload)


def expect_size(payload: bytes, size: int) -> None:
    """Raise Refusal if a payload has another size."""
    if len(payload) != size:
        raise Refusal(Code.LENGTH, f"payload of {size} bytes expected, got {len(payload)}")
