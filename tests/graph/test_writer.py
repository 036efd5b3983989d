"""What is written is read back as the same graph, and LiteRT runs it."""

from __future__ import annotations

from dataclasses import replace

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from errors import GraphError
from graph import schema
from graph.builder import Builder
from graph.kernels import KERNELS
from graph.oracle import Oracle
from graph.reader import parse
from graph.types import Graph, Operator, Options, OptionValue, Quantization, Subgraph, Tensor
from graph.writer import write

NUMPY_TYPES = ("int8", "uint8", "int16", "int32", "int64", "float16", "float32", "float64", "bool", "uint16", "uint32")
OTHER_TYPES = ("string", "resource", "variant", "int4", "bfloat16", "type 77")
# Any text that UTF-8 can hold.
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
int32s = st.integers(-(2**31), 2**31 - 1)


@st.composite
def tensors(draw: st.DrawFn, index: int, must_be_readable: bool) -> Tensor:
    """Draw a tensor: scalar or not, quantized or not, computed or constant."""
    dtype = draw(st.sampled_from(NUMPY_TYPES + OTHER_TYPES))
    shape = tuple(draw(st.lists(st.integers(1, 4), max_size=4)))
    quantization = None
    if draw(st.booleans()):
        count = draw(st.integers(1, 3))
        scales = draw(st.lists(st.floats(allow_nan=False, width=32), min_size=count, max_size=count))
        zero_points = draw(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=count, max_size=count))
        quantization = Quantization(tuple(scales), tuple(zero_points), draw(st.integers(0, 3)))
    data = None
    if must_be_readable and dtype in NUMPY_TYPES and draw(st.booleans()):
        raw = np.random.default_rng(draw(st.integers(0, 99))).integers(0, 100, shape)
        data = raw.astype(dtype)
    signature = tuple(draw(st.sampled_from([-1, size])) for size in shape) if draw(st.booleans()) else ()
    is_variable = must_be_readable and data is None
    return Tensor(index, draw(names), shape, dtype, quantization, data, signature, is_variable)


@st.composite
def options(draw: st.DrawFn) -> Options:
    """Draw an options table and all of its fields."""
    table = draw(st.sampled_from(["", *schema.OPTION_TABLES]))
    if not table:
        return Options()
    values: dict[str, OptionValue] = {}
    for name, default in schema.default_values(table).items():
        if isinstance(default, bool):
            values[name] = draw(st.booleans())
        elif isinstance(default, float):
            values[name] = draw(st.floats(allow_nan=False, width=32))
        elif isinstance(default, tuple):
            elements = st.floats(0.5, 9, width=32) if name == "Boundaries" else int32s
            values[name] = tuple(draw(st.lists(elements, max_size=4)))
        else:
            values[name] = draw(st.integers(0, 100))  # enumerations have one byte
    for name in schema.OPTION_TABLES[table].scalars:
        if name not in values:
            values[name] = draw(names)
    return Options(table, values)


@st.composite
def subgraphs(draw: st.DrawFn) -> Subgraph:
    """Draw operators in a chain; each computes one tensor from variables and constants."""
    sources = [draw(tensors(i, must_be_readable=True)) for i in range(draw(st.integers(1, 4)))]
    count = draw(st.integers(0, 4))
    targets = [draw(tensors(len(sources) + i, must_be_readable=False)) for i in range(count)]
    operators = []
    for number, target in enumerate(targets):
        inputs = tuple(draw(st.lists(st.integers(-1, len(sources) - 1), max_size=3)))
        is_custom = draw(st.booleans())
        known = sorted(set(schema.BUILTIN_CODES) - {schema.CUSTOM, "PLACEHOLDER_FOR_GREATER_OP_CODES"})
        name = draw(names) if is_custom else draw(st.sampled_from([*known, "code 999"]))
        raw = draw(st.binary(max_size=9)) if is_custom else b""
        operators.append(
            Operator(
                number, name, draw(st.integers(1, 9)), inputs, (target.index,), draw(options()), is_custom, raw,
                tuple(draw(st.lists(st.integers(-1, len(sources) - 1), max_size=2))),
            )
        )  # fmt: skip
    variables = [tensor.index for tensor in sources if tensor.data is None]
    outputs = tuple(target.index for target in targets)
    return Subgraph(tuple(sources + targets), tuple(operators), tuple(variables), outputs, draw(names))


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Draw a graph with up to two others."""
    main = draw(subgraphs())
    others = tuple(draw(st.lists(subgraphs(), max_size=2)))
    return Graph(main.tensors, main.operators, main.inputs, main.outputs, main.name, others=others)


@hypothesis.settings(max_examples=200, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(graphs())
def test_what_is_written_is_read_back(graph: Graph) -> None:
    data = write(graph)
    again = parse(data, "again")
    assert again == graph
    for ours, theirs in zip((again, *again.others), (graph, *graph.others), strict=True):
        for read_back, written in zip(ours.tensors, theirs.tensors, strict=True):
            if written.data is None:
                assert read_back.data is None
            else:
                np.testing.assert_array_equal(read_back.data, written.data)
    assert write(again) == data


def test_litert_runs_what_is_written() -> None:
    """A float network with the kernels of each kind, against numpy."""
    rng = np.random.default_rng(4)
    weights, bias, x = rng.normal(size=(3, 5)), rng.normal(size=3), rng.normal(size=(1, 5)).astype(np.float32)
    b = Builder()
    source, target = b.tensor((1, 5), "float32"), b.tensor((1, 3), "float32")
    parameters = [b.tensor((3, 5), "float32", data=weights), b.tensor((3,), "float32", data=bias)]
    b.operator("FULLY_CONNECTED", [source, *parameters], [target], {}, "FullyConnectedOptions", version=1)
    data = b.finish([source], [target])
    for kernels in KERNELS:
        (y,) = Oracle(data, kernels).run(x)
        assert y.ravel().tolist() == pytest.approx((x @ weights.T + bias).ravel().tolist(), rel=1e-5)


def test_litert_reads_what_is_written() -> None:
    b = Builder()
    x = b.tensor((1, 2, 3), scale=0.5, zero_point=-3, name="one: ünïcode")
    shape = b.tensor((2,), "int32", data=[2, 3])
    y = b.tensor((2, 3), scale=0.5, zero_point=-3)
    b.operator("RESHAPE", [x, shape], [y], {"NewShape": (2, 3)}, "ReshapeOptions")
    oracle = Oracle(b.finish([x], [y]))
    (source,), (target,) = oracle.inputs, oracle.outputs
    assert (source.name, source.shape, source.dtype) == ("one: ünïcode", (1, 2, 3), "int8")
    assert (source.scale, source.zero_point, target.shape) == (0.5, -3, (2, 3))
    values = np.arange(6, dtype=np.int8)
    np.testing.assert_array_equal(oracle.run(values)[0], values.reshape(2, 3))


def test_constants_are_aligned_for_kernels() -> None:
    b = Builder()
    b.tensor((5,), data=[1, 2, 3, 4, 5])
    marker = bytes(range(200, 233))
    b.tensor((33,), "uint8", data=list(marker))
    data = b.finish([], [])
    assert data.index(marker) % 16 == 0


def test_what_cannot_be_written_is_one_line() -> None:
    sparse = Tensor(0, "s", (4,), "int8", is_sparse=True)
    with pytest.raises(GraphError, match=r"^m\.tflite, tensor 0 's': a sparse tensor cannot be written$"):
        write(Graph((sparse,), (), (), (), source="m.tflite"))
    with pytest.raises(GraphError, match=r"^type 'int3': not in the schema"):
        write(Graph((replace(sparse, is_sparse=False, dtype="int3"),), (), (), ()))
    with pytest.raises(GraphError, match=r"^code 'CONV_9D': not in the schema"):
        write(Graph((), (Operator(0, "CONV_9D", 1, (), ()),), (), ()))


def test_oracle_says_why_it_cannot_load_or_run() -> None:
    with pytest.raises(GraphError, match=r"^model: LiteRT can't load it \("):
        Oracle(b"\x1c\0\0\0TFL3" + bytes(40))
    b = Builder()
    index, target = b.tensor((1,), "int32"), b.tensor((1,), "float32")
    table = b.tensor((4,), "float32", data=np.arange(4))
    b.operator("GATHER", [table, index], [target], {}, "GatherOptions", version=1)
    oracle = Oracle(b.finish([index], [target]))
    assert oracle.run(np.array([3], np.int32))[0] == [3.0]
    with pytest.raises(GraphError, match=r"^model: LiteRT can't run it \(.*gather.*\)$"):
        oracle.run(np.array([4], np.int32))
