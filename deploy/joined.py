"""Short frames written together: a write to a link costs more than the bytes in it."""

from __future__ import annotations

from deploy.links import Link

_LEAST_BYTES = 4096
_SHARE = 16


class JoinedWrites:
    """Frames that wait to be written to a link together: as many as fit into 4 KiB, or into a part of a large window.

    Its length is how many bytes wait.
    """

    def __init__(self, link: Link, window: int):
        self._link = link
        self._most = max(_LEAST_BYTES, window // _SHARE)
        self._pending = bytearray()

    def __len__(self) -> int:
        return len(self._pending)

    def add(self, data: bytes) -> None:
        """Add one or more frames, with a zero at both ends; first write what waits if they do not fit beside it."""
        if len(self._pending) + len(data) > self._most:
            self.flush()
        self._pending += data[1:] if self._pending else data  # one zero between two frames is enough

    def flush(self) -> None:
        """Write what waits."""
        if self._pending:
            data = bytes(self._pending)
            self._pending.clear()
            self._link.write(data)
