"""What each operator computed on a device beside LiteRT's reference kernels: the first that differs, and where.

Firmware of our engine keeps hardly a tensor whole. Built to be traced, it hashes what each operator writes, row by row;
only of the first tensor that differs are bytes read, with the same input run again. LiteRT and TFLite-Micro run a copy
of the network of which all tensors are outputs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from deploy import tracing
from deploy.session import Session
from errors import DeviceError
from graph.fnv import fnv1a
from graph.types import Array, Graph

EQUAL, DIFFERS, ABSENT = "equal", "differs", "not there"
SCHEMA = 1
MOST_BLOCKS = 250
"""Hashes of blocks that a device holds."""


@dataclass(frozen=True)
class Place:
    """A value that differs: `index` in the tensor's shape, what is expected there and what the device has.

    Both as stored, and as real values where the tensor has a scale; None is not a finite number.
    """

    index: tuple[int, ...]
    expected: float | None
    actual: float | None
    expected_real: float | None
    actual_real: float | None


@dataclass(frozen=True)
class Layer:
    """An output of an operator: `state` is equal, differs, or not there, and `why` says more where there is more.

    `first` is the first value that differs, where it was read; `compared_bytes` are those that the device computed.
    Where all were read, `differing` is how many values differ, and `max_abs_diff` by how much at most, as stored.
    """

    operator: int
    name: str
    tensor: str
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int
    state: str
    compared_bytes: int = 0
    first: Place | None = None
    differing: int | None = None
    max_abs_diff: float | None = None
    why: str = ""


@dataclass(frozen=True)
class Trace:
    """All layers of a network on a device, for one input; `schema` is that of this form as JSON."""

    schema: int
    model: str
    target: str
    engine: str
    kernels: str
    input: str
    layers: tuple[Layer, ...]

    @property
    def first(self) -> Layer | None:
        """The first layer that differs."""
        return next((layer for layer in self.layers if layer.state == DIFFERS), None)


@dataclass(frozen=True)
class Computed:
    """A tensor as far as a device has it: whether its first `size` bytes are the expected ones, else why not.

    `differing` are the bytes from `offset` on, the first of a value that differs; empty where they were not read.
    """

    size: int
    is_equal: bool
    offset: int = 0
    differing: bytes = b""
    why: str = ""


def of_channels(expected: Mapping[int, Array], kept: Mapping[int, tuple[int, ...]]) -> dict[int, Array]:
    """Return what is expected of the channels alone that a device computes, where `kept` names them."""
    return {
        t: np.ascontiguousarray(values[..., list(kept[t])]) if t in kept else values for t, values in expected.items()
    }


def of_outputs(values: Mapping[int, Array], expected: Mapping[int, Array]) -> dict[int, Computed]:
    """Return how whole tensors compare with the expected ones."""
    return {tensor: _compared(value.tobytes(), expected[tensor]) for tensor, value in values.items()}


def _compared(ours: bytes, expected: Array) -> Computed:
    theirs = expected.tobytes()
    if ours == theirs:
        return Computed(len(ours), True)
    if len(ours) != len(theirs):
        return Computed(0, False, why=f"has {len(ours):,} bytes, expected {len(theirs):,}")
    at = _first_difference(ours, theirs) // expected.itemsize * expected.itemsize
    return Computed(len(ours), False, at, ours[at:])


def of_hashes(hashes: Sequence[tracing.TensorHash], expected: Mapping[int, Array], where: str) -> dict[int, Computed]:
    """Return how hashes of tensors compare with the expected ones. Raises DeviceError for tensors that are not there.

    `where` begins the error.
    """
    compared = {}
    for item in hashes:
        if item.tensor not in expected or item.bytes > expected[item.tensor].nbytes:
            raise DeviceError(f"{where}: it has {item.bytes:,} bytes of tensor {item.tensor}, which this model has not")
        same = item.hash == fnv1a(expected[item.tensor].tobytes()[: item.bytes])
        compared[item.tensor] = Computed(item.bytes, same)
    return compared


def of_firmware(session: Session, data: bytes, expected: Mapping[int, Array]) -> dict[int, Computed]:
    """Run a traced firmware on the bytes of all inputs, and return how its tensors compare.

    Of the first that differs in the order of the operators, bytes are read. Raises DeviceError, LinkError.
    """
    tracing.expect_traced(session)
    session.infer(data)
    compared = of_hashes(tracing.hashes(session), expected, session.link.name)
    wrong = next((tensor for tensor in expected if tensor in compared and not compared[tensor].is_equal), None)
    if wrong is not None:
        compared[wrong] = _located(session, data, wrong, expected[wrong], compared[wrong].size)
    return compared


def _located(session: Session, data: bytes, tensor: int, expected: Array, size: int) -> Computed:
    """Find the first value of a tensor that differs: by hashes of blocks, then by the bytes of the first wrong one."""
    theirs = expected.tobytes()[:size]
    block = -(-size // MOST_BLOCKS)
    hashes = tracing.collect_blocks(session, data, tensor, block)
    starts = range(0, size, block)
    if len(hashes) != len(starts):
        raise DeviceError(f"{session.link.name}: {len(hashes)} blocks of tensor {tensor}, expected {len(starts)}")
    pairs = zip(starts, hashes, strict=True)
    start = next((at for at, value in pairs if value != fnv1a(theirs[at : at + block])), None)
    if start is None:
        return Computed(size, False, why="differed in one run, and not in the next with the same input")
    at = start
    while at < min(start + block, size):
        ours = tracing.collect_bytes(session, data, tensor, at)[: size - at]
        if not ours:
            raise DeviceError(f"{session.link.name}: no bytes of tensor {tensor} from {at} on")
        if ours != theirs[at : at + len(ours)]:
            wrong = at + _first_difference(ours, theirs[at : at + len(ours)])
            first = wrong // expected.itemsize * expected.itemsize
            if first + expected.itemsize <= at + len(ours) or first == at:
                return Computed(size, False, first, ours[first - at :])
            at = first
        else:
            at += len(ours)
    return Computed(size, False, why="differed in one run, and not in the next with the same input")


def _first_difference(ours: bytes, theirs: bytes) -> int:
    a, b = (np.frombuffer(raw, np.uint8) for raw in (ours, theirs))
    return int(np.flatnonzero(a != b)[0])


def layers_of(
    graph: Graph,
    expected: Mapping[int, Array],
    compared: Mapping[int, Computed],
    kept: Mapping[int, tuple[int, ...]] = MappingProxyType({}),
) -> tuple[Layer, ...]:
    """Return all outputs of all operators, in order; `expected` has the channels that `kept` names (`of_channels`)."""
    return tuple(
        _with_channels(
            _layer(graph, operator.index, tensor, expected[tensor], compared.get(tensor)),
            kept.get(tensor, ()),
            graph.tensors[tensor].shape,
        )
        for operator in graph.operators
        for tensor in operator.outputs
        if tensor in expected
    )


def _with_channels(layer: Layer, kept: Sequence[int], shape: tuple[int, ...]) -> Layer:
    """Return a layer of some channels with the network's numbers of them, and how many are not computed."""
    if not kept:
        return layer
    missing = f"{shape[-1] - len(kept):,} of {shape[-1]:,} channels have no effect, and are not computed"
    place = layer.first and replace(layer.first, index=(*layer.first.index[:-1], kept[layer.first.index[-1]]))
    return replace(layer, shape=shape, first=place, why="; ".join(filter(None, (missing, layer.why))))


def _layer(graph: Graph, operator: int, index: int, expected: Array, computed: Computed | None) -> Layer:
    tensor = graph.tensors[index]
    q = tensor.quantization if tensor.dtype != "float32" else None
    known = (float(q.scale), q.zero_point) if q is not None and q.scales else (0.0, 0)
    label = graph.operators[operator].label
    start = (operator, label, tensor.short_name, expected.shape, tensor.dtype, *known)
    if computed is None:
        return Layer(*start, ABSENT, why=_absent(graph, index))
    rest = expected.nbytes - computed.size
    why = computed.why or (f"the last {rest:,} bytes are read by nothing, and not computed" if rest else "")
    if computed.is_equal:
        return Layer(*start, EQUAL, computed.size, why=why)
    first, (count, largest) = _place(expected, computed, known), _amount(expected, computed)
    return Layer(*start, DIFFERS, computed.size, first, count, largest, why)


def _amount(expected: Array, computed: Computed) -> tuple[int | None, float | None]:
    """Return how many values differ and by how much at most; None where not all were read."""
    raw = computed.differing
    if computed.offset + len(raw) != expected.nbytes or computed.size != expected.nbytes or not raw:
        return None, None
    ours, theirs = np.frombuffer(raw, expected.dtype), expected.reshape(-1)[computed.offset // expected.itemsize :]
    steps = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
    return int((ours != theirs).sum()), float(steps.max()) if np.isfinite(steps).all() else None


def _place(expected: Array, computed: Computed, known: tuple[float, int]) -> Place | None:
    if len(computed.differing) < expected.itemsize:
        return None
    number, (scale, zero_point) = computed.offset // expected.itemsize, known
    index = tuple(int(i) for i in np.unravel_index(number, expected.shape)) if expected.shape else ()
    ours = np.frombuffer(computed.differing[: expected.itemsize], expected.dtype)
    stored = [float(values.astype(np.float64)) for values in (expected.reshape(-1)[number], ours[0])]
    real = [scale * (value - zero_point) if scale else value for value in stored]
    return Place(index, *(value if math.isfinite(value) else None for value in (*stored, *real)))


def _absent(graph: Graph, tensor: int) -> str:
    """Say which operator does on the device what would make a tensor that is not there."""
    readers = [operator for operator in graph.operators if tensor in operator.inputs]
    if not readers:
        return "nothing reads it"
    if any(operator.name == "CONV_2D" and tensor in operator.outputs for operator in graph.operators):
        return "computed in parts that are not kept, to save RAM"
    return f"{readers[0].label} {readers[0].index} does its work"
