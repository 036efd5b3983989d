"""What values the channels of a tensor can have, whatever the network's input is.

Interval arithmetic over the lowered operators: an int8 input is -128 to 127, a sum of products lies between its ends,
and scaling keeps the order of sums. Trained networks have channels of which nothing is left but one value: a batch
normalization or a weight decay that has silenced them, and a ReLU behind it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from compilers.aot.arithmetic import INT8_MAX, INT8_MIN, INT32_MAX, INT32_MIN, clamp, scale
from compilers.aot.operands import Fields, Parameters, Value
from compilers.aot.packing import data
from compilers.aot.round_once import Ratio
from compilers.aot.sets import portable
from compilers.aot.steps import Call, Step
from graph.types import Graph, Tensor

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Bounds:
    """The least and the largest value of each channel, which is an index of the last dimension: int64 (channels,)."""

    low: Int64
    high: Int64

    @property
    def is_constant(self) -> npt.NDArray[np.bool_]:
        """Whether a channel has the same value for all inputs, at all places."""
        return self.low == self.high

    def within(self, low: int, high: int) -> Bounds:
        """Return the bounds after a limit to low..high."""
        return Bounds(self.low.clip(low, high), self.high.clip(low, high))

    def repeated(self, times: int) -> Bounds:
        """Return the bounds of a tensor that has all channels of so many places in its last dimension."""
        return Bounds(np.tile(self.low, times), np.tile(self.high, times))


def bounds_of(graph: Graph, steps: Sequence[Step]) -> dict[int, Bounds]:
    """Return the bounds of each int8 tensor that is computed, by its index. `steps` are those of `lower`, portable."""
    found: dict[int, Bounds] = {}
    for step in steps:
        tensors = [graph.tensors[t] for t in (*step.inputs, *step.outputs)]
        source, target = tensors[0], graph.tensors[step.output]
        if len(tensors) != 2 or {t.dtype for t in tensors} != {"int8"} or not source.shape or not target.shape:
            continue
        before = found.get(source.index) or unknown(source.shape[-1])
        after = _moved(before, source, target) if not step.calls else _computed(before, step.calls, target)
        if after is not None:
            found[target.index] = after
    return found


def unknown(channels: int) -> Bounds:
    """Return the bounds of channels that can have any value of int8."""
    return Bounds(np.full(channels, INT8_MIN, np.int64), np.full(channels, INT8_MAX, np.int64))


def is_padded(window: Fields) -> bool:
    """Return whether a window has taps outside of its input at any place."""
    number = cast(Mapping[str, int], window)
    for side, pad in (("h", "pad_top"), ("w", "pad_left")):
        reach = (number[f"out_{side}"] - 1) * number[f"stride_{side}"] - number[pad]
        reach += (number[f"kernel_{side}"] - 1) * number[f"dilation_{side}"] + 1
        if number[pad] > 0 or reach > number[f"in_{side}"]:
            return True
    return False


def _moved(before: Bounds, source: Tensor, target: Tensor) -> Bounds | None:
    """Return the bounds after a RESHAPE that keeps the channels, or puts those of all places behind each other."""
    times, rest = divmod(target.shape[-1], source.shape[-1])
    if rest or (times > 1 and target.shape[-1] != source.size):
        return None
    return before.repeated(times)


def _computed(before: Bounds, calls: Sequence[Call], target: Tensor) -> Bounds | None:
    call = calls[0]
    if call.kernel is portable.TABLE:
        table = data(cast(Value, call.arguments[0])).astype(np.int64)
        spans = [table[low + 128 : high + 129] for low, high in zip(before.low, before.high, strict=True)]
        return Bounds(np.array([span.min() for span in spans]), np.array([span.max() for span in spans]))
    rule = _RULES.get(call.kernel.symbol)
    if rule is None or len(calls) != 1 or not isinstance(call.arguments[0], Parameters):
        return None
    after = rule(before, call.arguments[0].fields)
    return after if after is None or len(after.low) == target.shape[-1] else None


def _convolution(before: Bounds, fields: Fields) -> Bounds:
    window, groups = cast(Fields, fields["window"]), cast(int, fields["groups"])
    weights = data(fields["weights"]).astype(np.int64)
    around = _with_padding(before, fields)
    depth = len(before.low) // groups
    each = weights.reshape(groups, len(weights) // groups, -1, depth)
    ends = [end.reshape(groups, 1, 1, depth) for end in (around.low, around.high)]
    assert each.shape[2] == math.prod(cast(int, window[f"kernel_{side}"]) for side in "hw")
    return _scaled(_sums(each, ends).reshape(2, -1), fields)


def _depthwise(before: Bounds, fields: Fields) -> Bounds:
    weights = data(fields["weights"]).astype(np.int64)
    around = _with_padding(before, fields)
    ends = [np.repeat(end, cast(int, fields["multiplier"]))[:, None, None] for end in (around.low, around.high)]
    return _scaled(_sums(weights[:, None, :], ends).reshape(2, -1), fields)


def _with_padding(before: Bounds, fields: Fields) -> Bounds:
    """Return the bounds of what a window reads: a tap outside of the input is as if it were the zero point."""
    if not is_padded(cast(Fields, fields["window"])):
        return before
    zero = cast(int, fields["input_zero_point"])
    return Bounds(np.minimum(before.low, zero), np.maximum(before.high, zero))


def _sums(weights: Int64, ends: Sequence[Int64]) -> Int64:
    """Return the least and the largest sum of products over the last two dimensions, side by side."""
    first, second = (weights * end for end in ends)
    return np.stack([pick(first, second).sum(axis=(-2, -1)) for pick in (np.minimum, np.maximum)])


def _scaled(sums: Int64, fields: Fields) -> Bounds:
    """Return the output of a convolution for the ends of its sums, (2, channels), without the bias."""
    requant = cast(Fields, fields["requant"])
    multiplier, shift = (np.broadcast_to(data(requant[n]), sums.shape[1:]) for n in ("multiplier", "shift"))
    zero_point, low, high = (cast(int, requant[name]) for name in ("zero_point", "min", "max"))
    sums = sums + data(fields["bias"]).astype(np.int64)
    reach = sums << np.maximum(shift.astype(np.int64), 0)
    is_known: npt.NDArray[np.bool_] = np.all((reach > INT32_MIN) & (reach < INT32_MAX), axis=0).reshape(-1)
    values = [
        [clamp(scale(int(x), int(m), int(s)) + zero_point, low, high) if known else end
         for x, m, s, known in zip(row, multiplier, shift, is_known, strict=True)]
        for row, end in zip(sums, (low, high), strict=True)
    ]  # fmt: skip
    return Bounds(*np.array(values, np.int64))


def _dense(before: Bounds, fields: Fields) -> Bounds | None:
    weights = data(fields["weights"]).astype(np.int64)
    if weights.shape[1] != len(before.low):
        return None
    sums = _sums(weights[:, None, :], (before.low, before.high)) + data(fields["bias"]).astype(np.int64)
    multiplier, shift, limit = (
        np.broadcast_to(data(fields[n]), sums.shape[1:]) for n in ("multiplier", "shift", "limit")
    )
    ratios = [Ratio(*of) for of in zip(multiplier.tolist(), shift.tolist(), limit.tolist(), strict=True)]
    values = [[ratio.rounded(x) for ratio, x in zip(ratios, row, strict=True)] for row in sums.tolist()]
    zero_point, low, high = (cast(int, fields[name]) for name in ("zero_point", "min", "max"))
    return Bounds(*(np.array(values, np.int64) + zero_point)).within(low, high)


def _pool(before: Bounds, fields: Fields) -> Bounds:
    return before.within(cast(int, fields["min"]), cast(int, fields["max"]))


def _mean(before: Bounds, fields: Fields) -> Bounds | None:
    outer, reduced, inner = (cast(int, fields[name]) for name in ("outer", "reduced", "inner"))
    if outer != 1 or inner != len(before.low):
        return None
    offset, multiplier, shift, zero = (cast(int, fields[n]) for n in ("offset", "multiplier", "shift", "zero_point"))
    sums = np.stack([before.low, before.high]) * reduced + offset
    if (np.abs(sums) << max(shift, 0) > INT32_MAX).any():
        return None
    return Bounds(*np.array([[clamp(scale(int(x), multiplier, shift) + zero) for x in row] for row in sums], np.int64))


_RULES: Mapping[str, Callable[[Bounds, Fields], Bounds | None]] = {
    portable.CONV.symbol: _convolution,
    portable.DEPTHWISE.symbol: _depthwise,
    portable.DENSE.symbol: _dense,
    portable.AVERAGE_POOL.symbol: _pool,
    portable.MAX_POOL.symbol: _pool,
    portable.MEAN.symbol: _mean,
}
