"""Writes tests/vectors/frames.json, which both implementations of the frames are tested against.

It shares no code with them: run it after a change of the protocol, `python tests/deploy/make_vectors.py`.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "frames.json"
PICTURE = bytes(range(256)) * 4


def cobs(data: bytes) -> bytes:
    """Encode byte by byte, as the paper's listing does."""
    out, block = bytearray(), bytearray()
    full = False
    for byte in data:
        if byte:
            block.append(byte)
        full = len(block) == 254
        if full or not byte:
            out += bytes([len(block) + 1]) + block
            block.clear()
    if not full:
        out += bytes([len(block) + 1]) + block
    return bytes(out)


def body(kind: int, seq: int, payload: bytes, version: int = 1, size: int | None = None, crc: int = 0) -> bytes:
    """Return header, payload and CRC; `size` and `crc` spoil them."""
    size = len(payload) if size is None else size
    head = bytes([version, kind]) + seq.to_bytes(2, "little") + size.to_bytes(2, "little")
    return head + payload + (zlib.crc32(head + payload) ^ crc).to_bytes(4, "little")


def line(*args: Any, **kwargs: Any) -> bytes:
    """Return a frame as it is on the line."""
    return b"\0" + cobs(body(*args, **kwargs)) + b"\0"


def times(a: int, b: int) -> int:
    """Multiply in the field of the parity's code, bit by bit."""
    product = 0
    for bit in range(7, -1, -1):
        product = product << 1 ^ (0x11D if product & 0x80 else 0) ^ (a if b >> bit & 1 else 0)
    return product


def parity(data: bytes) -> bytes:
    """Divide by the product of (x - 2^i), as on paper."""
    generator, root = [1], 1
    for _ in range(8):
        longer = [*generator, 0]
        for i, coefficient in enumerate(generator):
            longer[i + 1] ^= times(coefficient, root)
        generator, root = longer, times(root, 2)
    rest = bytearray(data + bytes(8))
    for at in range(len(data)):
        factor = rest[at]
        for i, coefficient in enumerate(generator):
            rest[at + i] ^= times(coefficient, factor)
    return bytes(rest[-8:])


def repairable() -> list[dict[str, Any]]:
    """Frames with parity and damage before COBS, and how many bytes a receiver repairs; None: it drops the frame."""
    cases: list[tuple[str, int, int, bytes, list[int], int | None]] = [
        ("whole", 3, 77, bytes(5) + PICTURE[:192], [], 0),
        ("shortest", 7, 5, b"", [], 0),
        ("longest", 7, 5, PICTURE[:237], [0, 100, 246, 254], 4),
        ("one", 3, 78, bytes(5) + bytes(64), [30], 1),
        ("in_the_parity_too", 4, 9, b"\x01\0", [3, 12, 13, 19], 4),
        ("in_header_and_checksum", 4, 9, b"\x01\0", [1, 4, 5, 10], 4),
        ("in_the_version", 4, 10, b"\x01\0", [0, 2], 2),
        ("too_many", 3, 79, bytes(5) + bytes(64), [3, 9, 20, 40, 60], None),
    ]
    made = []
    for name, kind, seq, payload, places, repaired in cases:
        plain = body(kind, seq, payload)
        masked = plain[:1] + bytes(b ^ 0x55 for b in plain[1:])
        damaged = bytearray(masked + parity(masked))
        for place in places:
            damaged[place] ^= 0x06
        frame = {"name": name, "type": kind, "seq": seq, "payload": payload.hex(), "repaired": repaired}
        made.append({**frame, "line": (b"\0" + cobs(bytes(damaged)) + b"\0").hex()})
    return made


def good() -> list[dict[str, Any]]:
    """Frames whose encoding and decoding must be exactly so."""
    cases = [
        ("info_request", 0x01, 1, bytes(4)),
        ("ping_empty", 0x07, 0xFFFF, b""),
        ("ping_zeros", 0x07, 0x0100, bytes(8)),
        ("ping_ends_in_zero", 0x07, 2, b"abc\0"),
        ("ping_fills_block", 0x07, 0x0101, b"\x55" * 600),
        ("write_chunk", 0x03, 77, bytes([0]) + (960).to_bytes(4, "little") + PICTURE[:960]),
        ("write_all_ff", 0x03, 78, bytes([1, 0, 0, 0, 0]) + b"\xff" * 509),
        ("run_reply", 0x84, 9, b"\x01\0" + (123456789).to_bytes(8, "little")),
        ("log", 0x60, 0, "grüß dich\n".encode()),
        ("error_input", 0xFF, 513, b"\x04\x05\0input is not whole"),
    ]
    found = [{"name": n, "type": t, "seq": s, "payload": p.hex(), "line": line(t, s, p).hex()} for n, t, s, p in cases]
    # Sizes around 254 are where COBS implementations go wrong: 10 bytes of header and CRC come on top.
    for size in (242, 243, 244, 245, 246, 498, 499):
        payload = b"\x2a" * size
        found.append(
            {
                "name": f"ping_{size}",
                "type": 7,
                "seq": 258,
                "payload": payload.hex(),
                "line": line(7, 258, payload).hex(),
            }
        )
    return found


Stream = tuple[str, bytes, list[Any], int]
"""A name, bytes as they may come, what a receiver makes of them, and how many frames are damaged."""


def streams() -> list[dict[str, Any]]:
    """Bytes as they may come, and what a receiver with room for `max_frame` encoded bytes makes of them."""
    return [
        {
            "name": name,
            "line": data.hex(),
            "text_end": "%" if b"%" in data else "\n",
            "max_frame": 256,
            "items": items,
            "damaged": damaged,
        }
        for name, data, items, damaged in stream_cases()
    ]


def stream_cases() -> list[Stream]:
    """Return the streams: frames and text in each order, then each kind of damage."""
    ping = line(7, 5, b"hello")
    as_item = {"version": 1, "type": 7, "seq": 5, "payload": b"hello".hex()}
    flipped = bytearray(line(7, 6, b"hello"))
    flipped[5] ^= 0x10
    return [
        ("two_frames", ping + ping, [as_item, as_item], 0),
        ("one_zero_between", ping[:-1] + ping, [as_item, as_item], 0),
        ("first_zero_lost", ping[1:], [as_item], 0),
        ("many_zeros", bytes(9) + ping + bytes(9), [as_item], 0),
        ("boot_text_then_frame", b"Booting\r\nready\r\n" + ping, [{"text": "Booting"}, {"text": "ready"}, as_item], 0),
        ("text_cut_by_frame", b"login:" + ping, [{"text": "login:"}, as_item], 0),
        ("one_letter_and_newline", b"a\r\n" + ping, [{"text": "a"}, as_item], 0),
        ("text_after_frame", ping + b"\r\nm-ready\r\n", [as_item, {"text": "m-ready"}], 0),
        ("empty_lines_say_nothing", b"\r\n\r\n" + ping, [as_item], 0),
        ("command", b"name%infer 2 1%", [{"text": "name"}, {"text": "infer 2 1"}], 0),
        ("command_then_frame", b"timestamp%" + ping, [{"text": "timestamp"}, as_item], 0),
        ("flipped_bit", bytes(flipped) + ping, [as_item], 1),
        ("wrong_crc", line(7, 6, b"x", crc=1) + ping, [as_item], 1),
        ("length_too_large", line(7, 6, b"xy", size=3) + ping, [as_item], 1),
        ("length_too_small", line(7, 6, b"xy", size=1) + ping, [as_item], 1),
        ("shorter_than_a_header", b"\0" + cobs(b"\x01\x07\x05") + b"\0" + ping, [as_item], 1),
        ("cut_short", ping[:-6] + b"\0" + ping, [as_item], 1),
        ("block_passes_the_end", b"\0\x20\x01\x07\0" + ping, [as_item], 1),
        ("glued_together", ping[:-1] + ping[1:], [], 1),
        ("one_stray_byte", b"\0\x03\0" + ping, [as_item], 1),
        ("noise_at_boot", b"\xff\xfe\x80\xc3\0" + ping, [as_item], 1),
        ("over_long", line(7, 6, b"\x11" * 300) + ping, [as_item], 1),
        ("longest", line(7, 5, b"\x11" * 240), [{**as_item, "payload": (b"\x11" * 240).hex()}], 0),
        (
            "other_version",
            line(1, 3, bytes(4), version=2) + ping,
            [{"version": 2, "type": 1, "seq": 3, "payload": "00000000"}, as_item],
            0,
        ),
        ("highest_version", line(1, 3, b"", version=8), [{"version": 8, "type": 1, "seq": 3, "payload": ""}], 0),
        ("version_9_is_damage", line(1, 3, bytes(4), version=9) + ping, [as_item], 1),
        ("unfinished", ping[:-1], [], 0),
    ]


def text() -> str:
    """Return the file's text."""
    about = [
        "Vectors of docs/protocol.md, for deploy/frames.py and firmware/protocol. All bytes in hex.",
        "frames: encoding gives exactly `line`, and `line` decodes to the frame (version 1).",
        "repairable: `line`, with parity, decodes to the frame after `repaired` bytes of it were repaired; null: it is",
        "dropped. Where that is 0, encoding with parity gives exactly `line`.",
        "streams: a receiver that holds `max_frame` encoded bytes of a frame (no zeros) is fed `line` in any pieces,",
        "gives `items` in this order and counts `damaged`. Text ends at `text_end`, at a zero, or not at all.",
    ]
    return (
        json.dumps({"about": about, "frames": good(), "repairable": repairable(), "streams": streams()}, indent=1)
        + "\n"
    )


if __name__ == "__main__":
    VECTORS.write_text(text())
