"""Firmware images as files: their segments, whether they fit a board's flash, and their other forms."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from artifact import write_atomic
from errors import DeployError
from target import Target
from target.sections import Mcu

SUFFIXES = (".elf", ".hex", ".bin", ".uf2")
# The UF2 format, github.com/microsoft/uf2: magic numbers, flag "family ID is present", bytes of payload in a block.
UF2_START = (0x0A324655, 0x9E5D5157)
UF2_END = 0x0AB16F30
UF2_FAMILY_PRESENT = 0x2000
UF2_PAYLOAD = 256
FILL = b"\xff"
"""What erased flash holds; it fills the gaps between segments."""
MOST_BYTES = 1 << 26
PAGE = 4096


@dataclass(frozen=True)
class Segment:
    """Bytes that are written at an address."""

    address: int
    data: bytes

    @property
    def end(self) -> int:
        """The address behind it."""
        return self.address + len(self.data)


def read_segments(image: Path, flash_origin: int = 0) -> list[Segment]:
    """Return what an image writes, by address. `flash_origin` is where a .bin begins.

    Raises DeployError if it can't be read or is not of the form that its suffix says.
    """
    readers = {".elf": _read_elf, ".hex": _read_hex, ".uf2": _read_uf2}
    if image.suffix not in SUFFIXES:
        raise DeployError(f"{image}: expected an image with suffix {', '.join(SUFFIXES)}")
    try:
        data = image.read_bytes()
        segments = [Segment(flash_origin, data)] if image.suffix == ".bin" else readers[image.suffix](image, data)
    except FileNotFoundError as e:
        raise DeployError(f"{image}: no such image; build it first") from e
    except OSError as e:
        raise DeployError(f"{image}: can't be read ({e.strerror}); correct its path or its mode") from e
    except (ValueError, struct.error, IndexError) as e:
        raise DeployError(f"{image}: not a {image.suffix[1:].upper()} image ({e}); build it again") from e
    segments = sorted((s for s in segments if s.data), key=lambda s: s.address)
    if not segments:
        raise DeployError(f"{image}: has nothing to write; build it again")
    return segments


def check_fits(target: Target, image: Path) -> None:
    """Raise DeployError if an image writes anywhere but into the target's flash, saying by how many bytes it is large.

    What shares the first 4 KiB page of flash with it, such as a boot block, may be before it.
    """
    mcu = target.mcu
    if mcu is None:
        raise DeployError(f"{target.name}: is not a microcontroller: nothing is flashed there")
    low, end = mcu.flash_origin & -PAGE, mcu.flash_origin + mcu.flash_bytes
    for segment in read_segments(image, mcu.flash_origin):
        if segment.end > end and low <= segment.address <= end:
            raise DeployError(
                f"{image.name}: {segment.end - end:,} bytes too large for {target.name}, whose flash has "
                f"{mcu.flash_bytes:,}; take a smaller model or a board with more flash"
            )
        if not low <= segment.address < end:
            raise DeployError(
                f"{image.name}: writes to {segment.address:#010x}, outside the flash of {target.name} ({low:#010x} to "
                f"{end:#010x}); it was built for another board"
            )


def in_form(image: Path, suffix: str, folder: Path, mcu: Mcu, uf2_family: int = 0) -> Path:
    """Return an image in the form of `suffix`: itself, the file beside it, or one that is written into `folder`.

    Raises DeployError if it can't be converted.
    """
    if image.suffix == suffix:
        return image
    beside = image.with_suffix(suffix)
    if beside.is_file() and suffix != ".uf2":
        return beside
    segments = read_segments(image, mcu.flash_origin)
    made = folder / f"{image.stem}{suffix}"
    if suffix == ".bin":
        write_atomic(made, flat(segments, mcu.flash_origin))
    elif suffix == ".uf2":
        write_atomic(made, uf2_of(segments, uf2_family))
    elif suffix == ".hex":
        write_atomic(made, hex_of(segments))
    else:
        raise DeployError(f"{image}: an ELF image is needed, which can't be made from it; give the .elf")
    return made


def flat(segments: Sequence[Segment], origin: int) -> bytes:
    """Return the segments as one block of bytes from `origin` on. Raises DeployError if one is below it."""
    end = max(segment.end for segment in segments)
    if min(segment.address for segment in segments) < origin or end - origin > MOST_BYTES:
        raise DeployError(f"segments from {segments[0].address:#x} to {end:#x} are not one block from {origin:#x}")
    block = bytearray(FILL * (end - origin))
    for segment in segments:
        block[segment.address - origin : segment.end - origin] = segment.data
    return bytes(block)


def uf2_of(segments: Sequence[Segment], family: int) -> bytes:
    """Return the segments in UF2 blocks of 256 bytes at aligned addresses; `family` is the chip's in the UF2 list."""
    pages: dict[int, bytearray] = {}
    for segment in segments:
        for at, byte in enumerate(segment.data, start=segment.address):
            pages.setdefault(at & -UF2_PAYLOAD, bytearray(FILL * UF2_PAYLOAD))[at % UF2_PAYLOAD] = byte
    blocks = []
    for number, (address, payload) in enumerate(sorted(pages.items())):
        head = struct.pack("<8I", *UF2_START, UF2_FAMILY_PRESENT, address, UF2_PAYLOAD, number, len(pages), family)
        blocks.append(head + bytes(payload) + bytes(476 - UF2_PAYLOAD) + struct.pack("<I", UF2_END))
    return b"".join(blocks)


def hex_of(segments: Sequence[Segment]) -> bytes:
    """Return the segments as Intel HEX."""
    lines = []
    for segment in segments:
        for at in range(0, len(segment.data), 16):
            address = segment.address + at
            lines.append(_hex_record(4, 0, (address >> 16).to_bytes(2, "big")))
            lines.append(_hex_record(0, address & 0xFFFF, segment.data[at : at + 16]))
    return "".join([*lines, ":00000001FF\n"]).encode()


def _hex_record(kind: int, address: int, data: bytes) -> str:
    record = bytes([len(data)]) + address.to_bytes(2, "big") + bytes([kind]) + data
    return f":{record.hex().upper()}{-sum(record) & 0xFF:02X}\n"


def _read_elf(image: Path, data: bytes) -> list[Segment]:
    from io import BytesIO

    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        return [
            Segment(int(segment["p_paddr"]), segment.data())
            for segment in ELFFile(BytesIO(data)).iter_segments()
            if segment["p_type"] == "PT_LOAD" and segment["p_filesz"]
        ]
    except ELFError as e:
        raise ValueError(str(e)) from e


def _read_hex(image: Path, data: bytes) -> list[Segment]:
    segments: list[Segment] = []
    base, current, start = 0, bytearray(), 0
    for line in data.decode("ascii").split():
        record = bytes.fromhex(line[1:])
        if line[0] != ":" or len(record) != record[0] + 5 or sum(record) & 0xFF:
            raise ValueError(f"record {line[:20]!r}")
        address, kind, payload = int.from_bytes(record[1:3], "big"), record[3], record[4:-1]
        if kind == 4 or kind == 2:
            base = int.from_bytes(payload, "big") << (16 if kind == 4 else 4)
        elif kind == 0:
            if start + len(current) != base + address:
                segments.append(Segment(start, bytes(current)))
                current, start = bytearray(), base + address
            current += payload
    return [*segments, Segment(start, bytes(current))]


def _read_uf2(image: Path, data: bytes) -> list[Segment]:
    segments = []
    if not data or len(data) % 512:
        raise ValueError(f"{len(data)} bytes are not blocks of 512")
    for at in range(0, len(data), 512):
        first, second, _, address, size, _, _, _ = struct.unpack_from("<8I", data, at)
        if (first, second) != UF2_START or struct.unpack_from("<I", data, at + 508)[0] != UF2_END or size > 476:
            raise ValueError(f"block {at // 512}")
        segments.append(Segment(address, data[at + 32 : at + 32 + size]))
    return segments
