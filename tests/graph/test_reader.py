"""Any file gives a Graph that later stages can use, or one error of one line; nothing else, and in little time."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path

import flatbuffers
import hypothesis
import numpy as np
import pytest
import tflite
from hypothesis import strategies as st

from compilers.aot.operators import check_supported
from compilers.edgetpu.check import check
from compilers.tflm import checks, planner
from errors import CompileError, GraphError
from graph.builder import Builder
from graph.reader import RANK_LIMIT, parse, read
from graph.types import Graph, Quantization, Subgraph, Tensor
from graph.writer import write

MUTANTS = 40
# Values at the edges of lengths, offsets, codes and sizes.
EDGES = (0, 1, 2, 4, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def int8_network() -> bytes:
    """Return operators with windows, weights, axes and options of many kinds."""
    b, rng = Builder(), np.random.default_rng(1)
    x, y, z, pooled, end = (b.tensor(s, scale=0.1) for s in ((1, 6, 6, 3), (1, 6, 6, 4), (1, 3, 3, 4), (1, 4), (1, 2)))
    kernel = b.tensor((4, 3, 3, 3), scale=[0.1, 0.2, 0.3, 0.4], data=rng.integers(-9, 9, (4, 3, 3, 3)))
    bias = b.tensor((4,), "int32", scale=[0.01] * 4, data=np.arange(4))
    b.operator("CONV_2D", [x, kernel, bias], [y], {"StrideH": 1, "StrideW": 1}, "Conv2DOptions")
    window = {"StrideH": 2, "StrideW": 2, "FilterHeight": 2, "FilterWidth": 2}
    b.operator("AVERAGE_POOL_2D", [y], [z], window, "Pool2DOptions")
    b.operator("MEAN", [z, b.tensor((2,), "int32", data=[1, 2])], [pooled], {"KeepDims": False}, "ReducerOptions")
    weights = b.tensor((2, 4), scale=0.1, data=rng.integers(-9, 9, (2, 4)))
    b.operator("FULLY_CONNECTED", [pooled, weights, -1], [end], {}, "FullyConnectedOptions")
    return b.finish([x], [end])


def mixed_network() -> bytes:
    """Return float, text and integer tensors, a variable, a scalar, a custom operator and a second subgraph."""
    b = Builder()
    x, state, y = b.tensor((1, 4), "float32"), b.tensor((1, 4), "int16", scale=0.5), b.tensor((), "float32")
    axes = b.tensor((2,), "int64", data=[0, 1])
    b.operator("SUM", [x, axes], [y], {"KeepDims": True}, "ReducerOptions")
    b.custom("my-op", [x, state], [b.tensor((2, 2), "uint8", scale=0.1, zero_point=128)], b"\1\2\3")
    b.operator("SQUEEZE", [x], [b.tensor((4,), "float32")], {"SqueezeDims": (0,)}, "SqueezeOptions")
    b.operator("VAR_HANDLE", [], [b.tensor((), "resource")], {"SharedName": "states"}, "VarHandleOptions")
    b.tensors[state] = replace(b.tensors[state], is_variable=True, signature=(-1, 4))
    main = b.graph([x], [y])
    return write(replace(main, others=(Subgraph(main.tensors, main.operators, (0,), (2,), "other"),)))


def mutated(data: bytes, draw: random.Random) -> bytes:
    """Return the bytes with some changed, moved, repeated or cut off."""
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 3, 6))):
        at = draw.randrange(4, len(changed))
        match draw.randrange(7):
            case 0:
                changed[at] ^= 1 << draw.randrange(8)
            case 1:
                changed[at] = draw.randrange(256)
            case 2 | 3:
                word = draw.choice((draw.choice(EDGES), draw.randrange(len(data)), draw.randrange(1 << 32)))
                place = at // 4 * 4
                changed[place : place + 4] = word.to_bytes(4, "little")[: len(changed) - place]
            case 4:
                length = draw.randrange(1, 40)
                changed[at : at + length] = bytes(len(changed[at : at + length]))
            case 5:
                source = draw.randrange(4, len(changed))
                piece = changed[source : source + draw.randrange(1, 60)]
                changed[at : at + len(piece)] = piece[: len(changed) - at]
            case _:
                del changed[at:]
        if len(changed) < 12:
            break
    return bytes(changed)


def use(graph: Graph) -> None:
    """Let each engine look at the graph. Raises CompileError."""
    for function in (check_supported, check, checks.check_supported):
        try:
            function(graph)
        except CompileError as e:
            one_line(e)
    checks.check_supported(graph)
    for kernels in ("", *planner.CMSIS_NN):
        planner.head_bytes(graph, kernels)


def one_line(error: CompileError) -> None:
    assert "\n" not in str(error)
    assert str(error).startswith("m.tflite")
    assert str(error).isprintable()


def has_nan(graph: Graph) -> bool:
    """Whether the graph has a number that does not equal itself."""
    quantizations = [q for s in (graph, *graph.others) for t in s.tensors if (q := t.quantization)]
    options = [v for s in (graph, *graph.others) for o in s.operators for v in o.options.values.values()]
    numbers = [*(scale for q in quantizations for scale in q.scales), *(v for v in options if isinstance(v, float))]
    return any(math.isnan(number) for number in numbers)


@pytest.mark.parametrize("network", [int8_network, mixed_network])
def test_the_networks_are_whole(network: object) -> None:
    assert callable(network)
    assert parse(network(), "m.tflite").operators


@hypothesis.settings(max_examples=80, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(st.integers(0, 2**32 - 1))
def test_changed_files_give_a_graph_or_one_error(seed: int) -> None:
    """A file that is read can also be used by each engine, and be written and read back the same."""
    draw = random.Random(seed)
    for whole in (int8_network(), mixed_network()):
        for _ in range(MUTANTS):
            data = mutated(whole, draw)
            try:
                graph = parse(data, "m.tflite")
            except GraphError as e:
                one_line(e)
                continue
            try:
                use(graph)
            except CompileError as e:
                one_line(e)
            try:
                again = parse(write(graph), "m.tflite")
            except GraphError as e:
                assert "sparse" in str(e)  # noqa: PT017 (most graphs can be written)
                continue
            assert again == graph or has_nan(graph)


def test_a_cut_anywhere_gives_one_error() -> None:
    whole = mixed_network()
    for size in range(len(whole) - 16):
        with pytest.raises(GraphError) as caught:
            parse(whole[:size], "m.tflite")
        one_line(caught.value)


def shared_vectors() -> bytes:
    """Return a file of a few hundred kilobytes that lists one operator of many inputs very often."""
    b = flatbuffers.Builder(1024)
    inputs = b.CreateNumpyVector(np.zeros(20_000, np.int32))
    tflite.OperatorStart(b)
    tflite.OperatorAddInputs(b, inputs)
    operator = tflite.OperatorEnd(b)
    tflite.TensorStart(b)
    tensors = _vector(b, [tflite.TensorEnd(b)])
    operators = _vector(b, [operator] * 20_000)
    tflite.SubGraphStart(b)
    tflite.SubGraphAddTensors(b, tensors)
    tflite.SubGraphAddOperators(b, operators)
    subgraphs = _vector(b, [tflite.SubGraphEnd(b)])
    tflite.OperatorCodeStart(b)
    codes = _vector(b, [tflite.OperatorCodeEnd(b)])
    tflite.ModelStart(b)
    tflite.ModelAddVersion(b, 3)
    tflite.ModelAddSubgraphs(b, subgraphs)
    tflite.ModelAddOperatorCodes(b, codes)
    b.Finish(tflite.ModelEnd(b), b"TFL3")
    return bytes(b.Output())


def _vector(b: flatbuffers.Builder, offsets: list[int]) -> int:
    b.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        b.PrependUOffsetTRelative(offset)
    return int(b.EndVector())


def test_a_small_file_cannot_cause_endless_work() -> None:
    """All of its 400 million indexes take minutes: the reader stops once it has read more than the file holds."""
    with pytest.raises(GraphError, match=r"^m\.tflite: damaged, its vectors together are longer than the file$"):
        parse(shared_vectors(), "m.tflite")


def of_one(tensor: Tensor) -> bytes:
    return write(Graph((tensor,), (), (), ()))


BAD_TENSORS = {
    "rank": (Tensor(0, "x", (1,) * (RANK_LIMIT + 1), "int8"), r"17 dimensions, at most 16 are supported"),
    "negative size": (Tensor(0, "x", (2, -2), "int8"), r"shape \[2, -2\] has a negative size"),
    "negative signature": (Tensor(0, "x", (2,), "int8", signature=(-7,)), r"shape \[-7\] has a negative size"),
    "elements": (Tensor(0, "x", (1 << 16, 1 << 15), "int8"), r"shape \[65536, 32768\] has over 2147483647 elements"),
    "bytes": (Tensor(0, "x", (3,), "int32", data=np.zeros(3, np.int8)), r"its buffer has 3 bytes, its shape needs 12"),
    "open constant": (
        Tensor(0, "x", (-1,), "int8", data=np.zeros(1, np.int8)), r"a constant of shape \[-1\], expected fixed sizes"
    ),
    "zero points": (Tensor(0, "x", (2,), "int8", Quantization((1.0, 2.0), (0,))), r"2 scales and 1 zero points"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BAD_TENSORS)
def test_each_fault_of_a_tensor_has_its_message(fault: str) -> None:
    tensor, message = BAD_TENSORS[fault]
    with pytest.raises(GraphError, match=rf"^m\.tflite, tensor 0 'x': {message}$"):
        parse(of_one(tensor), "m.tflite")


def test_indexes_and_order_are_checked() -> None:
    b = Builder()
    x, y, z = (b.tensor((1,), "float32") for _ in range(3))
    b.operator("RELU", [x], [y])
    with pytest.raises(GraphError, match=r"^m\.tflite: the network's outputs: tensor 3, expected 0 to 2$"):
        parse(b.finish([x], [3]), "m.tflite")
    b.operator("RELU", [z], [z])
    with pytest.raises(GraphError, match=r"^m\.tflite, operator 1 RELU, tensor 2 't2': read before it is computed$"):
        parse(b.finish([x], [y]), "m.tflite")
    with pytest.raises(GraphError, match=r"^m\.tflite, operator 0 RELU, tensor 1 't1': computed twice$"):
        parse(b.finish([x, y, z], [y]), "m.tflite")
    b.operator("RELU", [7], [z])
    with pytest.raises(GraphError, match=r"^m\.tflite: operator 2 RELU: tensor 7, expected 0 to 2$"):
        parse(b.finish([x, z], [y]), "m.tflite")


def test_names_that_are_not_text_are_readable() -> None:
    data = of_one(Tensor(0, "nameABCD", (2,), "int8")).replace(b"ABCD", b"\xff\xfe\n\x01")
    (tensor,) = parse(data, "m.tflite").tensors
    assert tensor.name == "name\ufffd\ufffd\n\x01"
    assert tensor.short_name == "name____"


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "bool", "complex64", "uint64"])
def test_scalars_and_empty_tensors(dtype: str) -> None:
    scalar, empty = Tensor(0, "x", (), dtype, data=np.ones((), dtype)), Tensor(0, "x", (0, 3), dtype)
    (read_back,) = parse(of_one(scalar), "m.tflite").tensors
    assert read_back.data is not None
    assert (read_back.data.shape, read_back.bytes) == ((), np.dtype(dtype).itemsize)
    assert read_back.data.dtype.name == dtype
    assert not read_back.data.flags.writeable
    (read_back,) = parse(of_one(empty), "m.tflite").tensors
    assert (read_back.size, read_back.data, read_back.is_static) == (0, None, False)


def test_files_that_are_missing_or_something_else(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match=r"none\.tflite: can't be read \(No such file or directory\)"):
        read(tmp_path / "none.tflite")
    (tmp_path / "text.tflite").write_text("hello")
    with pytest.raises(GraphError, match=r"^mine: not a \.tflite file \(no TFL3 at byte 4\)$"):
        read(tmp_path / "text.tflite", "mine")
