"""Reading and writing file descriptors against a clock, for links that have them."""

from __future__ import annotations

import os
import select
import time

READ_SIZE = 1 << 16
WRITE_TIMEOUT_S = 10.0


def wait_readable(fd: int, timeout_s: float) -> bool:
    """Wait until `fd` has bytes (or its end) to read; return whether it has."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(max(0.0, timeout_s) * 1000))


def write_all(out: int, data: bytes, back: int, timeout_s: float = WRITE_TIMEOUT_S) -> bytes:
    """Write all of `data` to the non-blocking `out`, and return what arrived on `back` in the meantime.

    Reading while writing is what keeps two full pipes from waiting for each other. Raises TimeoutError if the other
    side takes nothing for `timeout_s`, OSError if it is gone.
    """
    arrived = []
    rest = memoryview(data)
    limit = time.monotonic() + timeout_s
    while rest:
        try:
            rest = rest[os.write(out, rest) :]
            limit = time.monotonic() + timeout_s
            continue
        except BlockingIOError:
            pass
        poll = select.poll()
        poll.register(out, select.POLLOUT)
        poll.register(back, select.POLLIN)
        left = limit - time.monotonic()
        ready = dict(poll.poll(max(0.0, left) * 1000))
        if ready.get(back, 0) & select.POLLIN:
            arrived.append(os.read(back, READ_SIZE))
        elif not ready and left <= 0:
            raise TimeoutError(f"took no byte in {timeout_s:g} s")
        elif back in ready and out not in ready:
            raise BrokenPipeError("the other side closed")
    return b"".join(arrived)
