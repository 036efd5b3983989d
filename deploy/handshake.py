"""The first exchange with a device: INFO, in as many parts as it takes, checked before it is believed."""

from __future__ import annotations

import struct

from deploy import frames
from deploy.exchange import Exchange
from deploy.frames import Type
from deploy.info import MAX_INFO_BYTES, DeviceInfo, parse_info
from deploy.request import NoAnswer, Request
from errors import DeviceError

_OFFSET = struct.Struct("<I")
_PART = struct.Struct("<II")
_PART_BYTES = 1024


def handshake(exchange: Exchange) -> DeviceInfo:
    """Return the device's INFO, and let the exchange use its window. A device may still be booting when this begins.

    Raises NoAnswer if it is silent, DeviceError if it speaks another version or its INFO is wrong.
    """
    name, text, total = exchange.link.name, b"", 1
    give_up_s = exchange.timeouts.handshake_s
    exchange.window = Exchange.window
    while len(text) < total:
        request = Request(Type.INFO, _OFFSET.pack(len(text)), _PART_BYTES)
        try:
            reply = exchange.transact([request], "the handshake", give_up_s=give_up_s)[0]
        except NoAnswer as e:
            raise NoAnswer(f"{e}; {_received(exchange)}") from e
        part, total = _part(reply, len(text), total if text else 0, f"{name}: INFO")
        text += part
        give_up_s = exchange.timeouts.give_up_s
    info = parse_info(text, name)
    if info.protocol != frames.VERSION:
        raise DeviceError(
            f"{name}: device speaks protocol version {info.protocol}, this host {frames.VERSION}; "
            "build and flash the firmware of this checkout"
        )
    exchange.window = info.window
    return info


def _part(reply: bytes, offset: int, known_total: int, name: str) -> tuple[bytes, int]:
    """Return the text in a reply and the length of the whole, checked against what is known already."""
    if len(reply) <= _PART.size:
        raise DeviceError(f"{name}: reply of {len(reply)} bytes, expected at least 9; rebuild and flash the firmware")
    at, total = _PART.unpack_from(reply)
    part = reply[_PART.size :]
    if at != offset or not 1 <= total <= MAX_INFO_BYTES or (known_total and total != known_total):
        raise DeviceError(
            f"{name}: expected bytes from {offset} of at most {known_total or MAX_INFO_BYTES}, received from {at} "
            f"of {total}; rebuild and flash the firmware"
        )
    if at + len(part) > total:
        raise DeviceError(f"{name}: {len(part)} bytes from {at} pass its own total {total}; flash the firmware again")
    return part, total


def _received(exchange: Exchange) -> str:
    last = f", last {exchange.log[-1][:80]!r}" if exchange.log else ""
    received = f"received {exchange.received} bytes{last}" if exchange.received else "received nothing"
    return f"{received}; check that the board is powered, flashed with our firmware, and at this address and speed"
