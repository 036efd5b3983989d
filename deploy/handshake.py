"""The first exchange with a device: INFO, in as many parts as it takes, checked before it is believed."""

from __future__ import annotations

import struct

from deploy import frames
from deploy.exchange import Exchange
from deploy.frames import Code, Type
from deploy.info import MAX_INFO_BYTES, DeviceInfo, parse_info
from deploy.request import NoAnswer, Refused, Request, TooLong
from errors import DeviceError

_OFFSET = struct.Struct("<I")
_OFFSET_MOST = struct.Struct("<IH")
_PART = struct.Struct("<II")
_PART_BYTES = 1024
_SHORTEST_PART = 64


def handshake(exchange: Exchange) -> DeviceInfo:
    """Return the device's INFO, and let the exchange use its window. A device may still be booting when this begins.

    Raises NoAnswer if it is silent, DeviceError if it speaks another version or its INFO is wrong.
    """
    name, text, total = exchange.link.name, b"", 1
    give_up_at = exchange.clock() + exchange.timeouts.handshake_s
    exchange.window, exchange.can_repair = Exchange.window, Exchange.can_repair
    most, can_be_short = _PART_BYTES, True
    while len(text) < total:
        patience = exchange.timeouts.give_up_s if text else max(0.0, give_up_at - exchange.clock())
        try:
            replies = exchange.transact(
                _requests(len(text), total, most), "the handshake", give_up_s=patience or 0.001, may_split=can_be_short
            )
        except Refused as e:
            if e.code != Code.LENGTH or most == _PART_BYTES:
                raise
            most, can_be_short = _PART_BYTES, False  # firmware that sends long parts only
            continue
        except TooLong as e:
            if not text and exchange.clock() >= give_up_at:
                raise NoAnswer(f"{e} (during the handshake); {_received(exchange)}") from e
            most = _SHORTEST_PART
            continue
        except NoAnswer as e:
            raise NoAnswer(f"{e}; {_received(exchange)}") from e
        for reply in replies:
            part, total = _part(reply, len(text), total if text else 0, f"{name}: INFO")
            text += part
            if len(part) < most:
                break  # those behind it were to begin where it should have ended
    info = parse_info(text, name)
    if info.protocol != frames.VERSION:
        raise DeviceError(
            f"{name}: device speaks protocol version {info.protocol}, this host {frames.VERSION}; "
            "build and flash the firmware of this checkout"
        )
    exchange.window = info.window
    exchange.can_repair = info.parity
    return info


def _requests(offset: int, total: int, most: int) -> list[Request]:
    """Return the requests for INFO from an offset: all the short parts, so that answers show which were lost.

    How many there are is known once one has come.
    """
    stop = total if most < _PART_BYTES and offset else offset + 1
    return [_request(at, most) for at in range(offset, stop, most)]


def _request(offset: int, most: int) -> Request:
    """Return the request for INFO from an offset: as much as the device sends at once, or at most `most` bytes."""
    if most == _PART_BYTES:
        return Request(Type.INFO, _OFFSET.pack(offset), most)
    return Request(Type.INFO, _OFFSET_MOST.pack(offset, most), _PART.size + most)


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
