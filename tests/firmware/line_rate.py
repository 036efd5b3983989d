"""How fast the host gets bytes into an emulated board: the protocol against the raw UART, taken in turns.

    python tests/firmware/line_rate.py qemu-m4 netduinoplus2

The raw UART is `firmware/tests/rawline`: the same port, no protocol. A rate is the best of many short rounds, since
anything else that runs on this machine only makes them slower.
"""

from __future__ import annotations

import struct
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import target
from deploy.flashers import flasher_for
from deploy.frames import Type
from deploy.links import Link
from deploy.request import Request
from deploy.session import Session
from tests.firmware.standin import RAW_LINE, build

ROUNDS = 25
KIB = 12
CHUNK = 768


def raw_round(link: Link) -> float:
    """Return bytes a second of one round of bytes alone."""
    start = time.perf_counter()
    link.write(b"s" + bytes([KIB]) + b"\x55" * (KIB * 1024))
    while not link.read(10):
        pass
    return KIB * 1024 / (time.perf_counter() - start)


def protocol_round(session: Session) -> float:
    """Return bytes of input a second of one round of WRITEs, sent ahead as a session does."""
    head = struct.pack("<BI", 0, 0)
    requests = [Request(Type.WRITE, head + b"\x55" * CHUNK) for _ in range(KIB * 1024 // CHUNK)]
    start = time.perf_counter()
    session.exchange.transact(requests, "WRITE")
    return KIB * 1024 / (time.perf_counter() - start)


def rates(name: str, folder: Path) -> tuple[float, float]:
    """Return the raw and the protocol's rate of a target in bytes a second."""
    board = target.load(name)
    raw_image = build(name, folder / "raw", {"APP_SOURCES": str(RAW_LINE)})
    raw = flasher_for(board).start(raw_image.elf)
    raw.open()
    time.sleep(1)
    try:
        with Session(flasher_for(board).start(build(name, folder / "firmware").elf)) as session:
            pairs = [(raw_round(raw), protocol_round(session)) for _ in range(ROUNDS)]
    finally:
        raw.close()
    return max(r for r, _ in pairs), max(p for _, p in pairs)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            raw, protocol = rates(name, Path(folder))
        print(f"{name}: raw UART {raw:,.0f} bytes/s, WRITE {protocol:,.0f} bytes/s: {protocol / raw:.0%}", flush=True)
