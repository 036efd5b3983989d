"""Input tensors while the host writes them."""

from __future__ import annotations

from bisect import bisect_left

from deploy.agent.interface import Tensor
from deploy.frames import GRANULE, MAP, MAP_GRANULES, first_in_map


class Input:
    """One input tensor being written: its bytes and which of them are new since the last RUN."""

    def __init__(self, size: int):
        self.data = bytearray(size)
        self.spans: list[tuple[int, int]] = []

    @property
    def whole(self) -> bool:
        """Whether every byte has been written."""
        return self.spans == [(0, len(self.data))]

    def write(self, offset: int, chunk: bytes) -> None:
        """Store a chunk that fits."""
        if not chunk:
            return
        end = offset + len(chunk)
        self.data[offset:end] = chunk
        if self.spans and self.spans[-1][1] == offset:  # most often it follows the chunk before it
            self.spans[-1] = (self.spans[-1][0], end)
            return
        first = bisect_left(self.spans, (offset, offset))
        if first and self.spans[first - 1][1] >= offset:
            first -= 1
        last = first
        while last < len(self.spans) and self.spans[last][0] <= end:
            last += 1
        if first < last:
            offset, end = min(offset, self.spans[first][0]), max(end, self.spans[last - 1][1])
        self.spans[first:last] = [(offset, end)]

    def map_around(self, offset: int) -> bytes:
        """Return which granules are written, as the answer to a WRITE at `offset` says it."""
        first, size, bits = first_in_map(offset), len(self.data), 0
        for start, stop in self.spans[max(0, bisect_left(self.spans, (first * GRANULE, 0)) - 1) :]:
            end = stop // GRANULE if stop < size else -(-stop // GRANULE)
            low, high = max(-(-start // GRANULE) - first, 0), min(end - first, MAP_GRANULES)
            if low < high:
                bits |= (1 << high) - (1 << low)
            elif low >= MAP_GRANULES:
                break
        return MAP.pack(bits)


def tensor_bytes(spec: Tensor) -> int:
    """Return the size of a tensor of an INFO entry."""
    size = {"int8": 1, "uint8": 1, "int16": 2, "int32": 4, "float32": 4}[spec["dtype"]]
    for dimension in spec["shape"]:
        size *= dimension
    return size
