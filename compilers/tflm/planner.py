"""TFLite-Micro's arena as a 32-bit microcontroller lays it out, derived from what was measured on this host.

Head: activations and scratch, placed as upstream's GreedyMemoryPlanner does
(tensorflow/lite/micro/memory_planner/greedy_memory_planner.cc). Tail: structures, with pointers of 4 bytes, not 8.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compilers.tflm.checks import WINDOWED
from graph.types import Graph, Operator

ALIGNMENT = 16
# Bytes of upstream's structures: on a 64-bit host, and on Arm with its short enums (tensorflow/lite/core/c/common.h,
# tensorflow/lite/micro/micro_allocator.h, without compression).
STRUCTURES = {
    "TfLiteEvalTensor data": (24, 12),
    "Persistent TfLiteTensor data": (64, 36),
    "NodeAndRegistration struct": (64, 32),
}
CMSIS_NN = ("dsp", "mve")
CH_IN_BLOCK_MVE = 124  # CMSIS-NN's arm_nnsupportfunctions.h
FLOAT32_BYTES = INT32_BYTES = 4
INT16_BYTES = 2


@dataclass(frozen=True)
class Buffer:
    """A piece of the head: bytes, and the first and last moment when it is needed (0: input, then each operator)."""

    size: int
    first: int
    last: int


def head_bytes(graph: Graph, kernels: str = "") -> int:
    """Return bytes of the head with the scratch of a CMSIS-NN kernel set (dsp, mve), or without any scratch."""
    first: dict[int, int] = dict.fromkeys(graph.inputs, 0)
    last: dict[int, int] = dict.fromkeys(graph.inputs, 0)
    for moment, operator in enumerate(graph.operators, start=1):
        for index in operator.outputs:
            first.setdefault(index, moment)
        last |= dict.fromkeys((i for i in (*operator.inputs, *operator.outputs) if i >= 0), moment)
    last |= dict.fromkeys(graph.outputs, len(graph.operators))
    buffers = [
        Buffer(_aligned(tensor.bytes), first[i], last[i])
        for i, tensor in enumerate(graph.tensors)
        if i in first and tensor.data is None and tensor.bytes
    ]
    if kernels:
        scratch = [(scratch_bytes(graph, o, kernels), n) for n, o in enumerate(graph.operators, start=1)]
        buffers += [Buffer(_aligned(size), moment, moment) for size, moment in scratch if size]
    return _greedy(buffers)


def scratch_bytes(graph: Graph, operator: Operator, kernels: str) -> int:
    """Return the scratch that CMSIS-NN's `*_get_buffer_size` functions for int8 give for an operator, in bytes."""
    if not operator.inputs:
        return 0
    source = graph.tensors[operator.inputs[0]]
    channels = source.shape[-1] if source.shape else 1
    filters = graph.tensors[operator.inputs[1]].shape if len(operator.inputs) > 1 and operator.inputs[1] >= 0 else ()
    match operator.name:
        case "CONV_2D" if filters[1:3] != (1, 1):
            columns = math.prod(filters[1:])
            return 64 * -(-columns // 16) if kernels == "mve" else 4 * -(-columns // 4) * INT16_BYTES
        case "DEPTHWISE_CONV_2D":
            if kernels == "mve":
                return 4 * CH_IN_BLOCK_MVE * filters[1] * filters[2]
            return 0 if filters[1:3] == (3, 3) else channels * filters[1] * filters[2] * INT16_BYTES
        case "AVERAGE_POOL_2D" if kernels == "dsp":
            return channels * INT32_BYTES
    return 0


def device_tail_bytes(graph: Graph, tail: int, kinds: Mapping[str, tuple[int, int]], kernels: str = "") -> int:
    """Return bytes of the tail on a 32-bit device, from those on a 64-bit host and their kinds.

    Structures whose layout is not known here are taken as large as on the host, so the result is rather too large than
    too small. With the `mve` kernels a dense layer keeps a sum for each output.
    """
    for name, (host, device) in STRUCTURES.items():
        used, _ = kinds.get(name, (0, 0))
        tail -= used // host * (host - device)
    # A convolution's data ends in two pointers, to multipliers and shifts; all is aligned to 16 bytes.
    tail -= 16 * sum(o.name in WINDOWED for o in graph.operators)
    if kernels == "mve":
        dense = [o for o in graph.operators if o.name == "FULLY_CONNECTED"]
        tail += sum(_aligned(INT32_BYTES * graph.tensors[o.outputs[0]].shape[-1]) for o in dense)
    return _aligned(tail)


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _greedy(buffers: Sequence[Buffer]) -> int:
    """Place the largest first, each in the lowest gap among those needed at the same time; return the end of all."""
    # Upstream fills its list from the back and sorts it stably: of equal sizes, the later comes first.
    order = sorted(reversed(buffers), key=lambda b: -b.size)
    placed: list[tuple[int, Buffer]] = []
    for buffer in order:
        offset = 0
        for start, other in sorted(placed, key=lambda p: p[0]):
            if other.first <= buffer.last and buffer.first <= other.last:
                if start - offset >= buffer.size:
                    break
                offset = max(offset, start + other.size)
        placed.append((offset, buffer))
    return max((start + buffer.size for start, buffer in placed), default=0)
