"""Whether an input goes in fewer bytes: where that is less, and the line takes longer than making it so."""

from __future__ import annotations

from deploy.exchange import Exchange
from deploy.frames import GRANULE, MAP_BEFORE
from deploy.info import DeviceInfo, TensorSpec

_FIRST_BYTE_S = 2e-7
_MOST_SHARE = 0.95
_LEAST_BYTES = 512
_CHANNELS = (1, 2, 3, 4)


class Coder:
    """Codes inputs for one line. It remembers how long that takes."""

    def __init__(self, exchange: Exchange):
        self._exchange = exchange
        self._byte_s = _FIRST_BYTE_S

    def codes(self, info: DeviceInfo, tensor: int, data: bytes, most: int) -> dict[tuple[int, int], bytes]:
        """Return the codes of all parts of an input by their spans, each of at most `most` bytes.

        There are none if it goes as it is.
        A part is so short that an answer's map shows it, where the line loses frames.
        """
        speed, spec = self._exchange.speed, info.inputs[tensor]
        if not info.coding or info.input_streamed or not speed.is_known or len(data) < _LEAST_BYTES:
            return {}
        if speed.byte_s < self._byte_s:
            return {}
        from deploy import encoder

        distance = channels(spec)
        if (1 - encoder.share(data, distance)) * speed.byte_s < max(self._byte_s, (1 - _MOST_SHARE) * speed.byte_s):
            return {}
        begin = self._exchange.clock()
        longest = MAP_BEFORE * GRANULE // 2 if self._exchange.errors.rate else encoder.MOST_BYTES
        try:
            parts = encoder.parts(data, distance, most, longest)
        except ValueError:
            return {}
        self._byte_s += ((self._exchange.clock() - begin) / len(data) - self._byte_s) / 4
        if sum(len(part.code) for part in parts) > _MOST_SHARE * len(data):
            return {}
        return {(part.start, part.end): part.code for part in parts}


def channels(spec: TensorSpec) -> int:
    """Return how far back the byte is that is most alike: a picture's channels, else 1."""
    return spec.shape[-1] if len(spec.shape) == 4 and spec.shape[-1] in _CHANNELS else 1
