"""Reading outputs: in answers as long as device and line can take, shorter ones where those are lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from deploy.exchange import Exchange
from deploy.frames import CHUNK, STORED, Type
from deploy.info import DeviceInfo
from deploy.request import Request, TooLong
from errors import DeviceError

SHORTEST_READ = 64


class OutputReader:
    """Reads the outputs of one device. `info` is that of the last handshake."""

    info: DeviceInfo

    def __init__(self, exchange: Exchange):
        self._exchange = exchange
        self._longest = 1 << 30

    def requests(self, tensor: int, begin: int = 0) -> list[Request]:
        """Return the READs of an output from a byte on."""
        size = self.info.outputs[tensor].nbytes
        best = max(SHORTEST_READ, self._exchange.best_frames().length)
        step = min(self.info.max_payload - CHUNK.size, best, self._longest)
        heads = [STORED.pack(tensor, at, min(step, size - at)) for at in range(begin, size, step)]
        return [Request(Type.READ, head, CHUNK.size + STORED.unpack(head)[2]) for head in heads]

    def all_requests(self) -> list[Request]:
        """Return the READs of all outputs."""
        return [request for tensor in range(len(self.info.outputs)) for request in self.requests(tensor)]

    def joined(self, requests: Sequence[Request], replies: Sequence[bytes | None]) -> bytes:
        """Return the bytes in the answers, up to the first that is missing. Raises DeviceError if one is wrong."""
        parts = []
        for request, reply in zip(requests, replies, strict=True):
            if reply is None:
                break
            wanted = STORED.unpack(request.payload)[2]
            if reply[: CHUNK.size] != request.payload[: CHUNK.size] or len(reply) - CHUNK.size != wanted:
                raise DeviceError(
                    f"{self._exchange.link.name}: READ {request.payload.hex()} was answered by {len(reply)} bytes from "
                    f"{reply[:5].hex()}"
                )
            parts.append(reply[CHUNK.size :])
        return b"".join(parts)

    def read(self, tensor: int, stage: str, on_reply: Callable[[int], None] | None = None) -> bytes:
        """Return the bytes of an output as the last run left it. Raises as Exchange.transact."""
        data, size = b"", self.info.outputs[tensor].nbytes
        self._longest = max(SHORTEST_READ, min(4 * self._longest, 1 << 30))
        while len(data) < size:
            requests = self.requests(tensor, len(data))
            replies: Sequence[bytes | None]
            try:
                replies = self._exchange.transact(requests, stage, on_reply=on_reply, may_split=True)
            except TooLong as e:
                replies = e.replies
                self._longest = SHORTEST_READ if e.is_silent else max(SHORTEST_READ, requests[0].reply_bytes // 4)
            data += self.joined(requests, replies)
        return data
