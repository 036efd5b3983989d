"""A request to a device, how long its answer may take, and the ways in which it fails."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from deploy.frames import Code, Frame, Type
from errors import DeviceError, LinkError

_REFUSAL = struct.Struct("<BH")


class Refused(DeviceError):
    """The device answered a request with ERROR. `code` is frames.Code where known; `text` the device's own."""

    def __init__(self, message: str, code: int, text: str):
        super().__init__(message)
        self.code = code
        self.text = text


class Restarted(DeviceError):
    """The device has started again in mid-run, and lost what it was sent."""


class NoAnswer(LinkError):
    """The link is open, but no answer came over it in time."""


class TooLong(NoAnswer):
    """A long frame was lost again and again: on a line that loses bytes, only shorter ones get through.

    `replies` are those that came, None for the others. With `is_silent` there was no answer at all for as long as a
    device is waited for: short frames are the last thing to try.
    """

    def __init__(self, message: str, replies: Sequence[bytes | None] = (), *, is_silent: bool = False):
        super().__init__(message)
        self.replies = replies
        self.is_silent = is_silent


@dataclass(frozen=True)
class Timeouts:
    """Seconds. A resend comes after `resend_s` plus what the bytes under way take at the line's measured speed.

    `handshake_s`: until a started device answers at all. `give_up_s`: without any answer while requests are out.
    `run_s`: for one inference, in which a device can't answer.
    """

    handshake_s: float = 15.0
    give_up_s: float = 10.0
    run_s: float = 120.0
    resend_s: float = 0.25


@dataclass(frozen=True)
class Request:
    """One request; `reply_bytes` is how large its reply will be, which the time-outs allow for."""

    type: Type
    payload: bytes = b""
    reply_bytes: int = 16


def refusal_in(frame: Frame, kind: Type, name: str, doing: str) -> Refused:
    """Return what an ERROR over the link `name` says to a request of a type; `doing` names what was being done."""
    if len(frame.payload) < _REFUSAL.size:
        return Refused(
            f"{name}: ERROR of {len(frame.payload)} bytes, expected at least 3; flash the firmware again", 0, ""
        )
    _, code = _REFUSAL.unpack_from(frame.payload)
    sent_text = frame.payload[_REFUSAL.size :].decode("utf-8", errors="replace")
    text = "".join(c if c.isprintable() else " " for c in sent_text)[:300]
    label = Code(code).name if code in Code._value2member_map_ else f"code {code}"
    return Refused(f"{name}: device refused {kind.name}: {label}: {text} (during {doing})", code, text)
