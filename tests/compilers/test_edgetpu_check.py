"""The prediction for the Edge TPU: Coral's documented rules one by one, and a network that Coral's compiler took."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compilers.edgetpu.check import Check, check
from compilers.edgetpu.rules import SUPPORTED
from errors import CompileError
from graph import reader
from graph.builder import Builder
from tests.pipeline.small import SHARED_DATA

PLAIN = SHARED_DATA / "coral_mobilenet_v1_0.25_128_quant.tflite"
CORAL = SHARED_DATA / "coral_mobilenet_v1_0.25_128_quant_edgetpu.tflite"
needs_coral = pytest.mark.skipif(not (PLAIN.is_file() and CORAL.is_file()), reason="needs ../shared/data/coral_*")
PICTURE = (1, 8, 8, 4)


def checked(b: Builder, inputs: list[int], outputs: list[int]) -> Check:
    return check(reader.parse(b.finish(inputs, outputs), "model"))


def one(
    name: str,
    *,
    shape: tuple[int, ...] = PICTURE,
    out: tuple[int, ...] = PICTURE,
    constants: Any = (),
    table: str | None = None,
    **options: Any,
) -> Check:
    """Check an operator between two that are supported: `constants` are (dtype, values) of its further inputs."""
    b = Builder()
    source, before, after, end = (b.tensor(s, scale=0.1) for s in (shape, shape, out, out))
    further = [b.tensor(np.shape(v), dtype, 0.1 if dtype == "int8" else None, data=v) for dtype, v in constants]
    b.operator("RELU", [source], [before])
    b.operator(name, [before, *further], [after], options, table)
    b.operator("RELU", [after], [end])
    return checked(b, [source], [end])


def why(result: Check) -> str:
    assert [row.mapped for row in result.rows] == ([True] * 3 if result.cut is None else [True, False, False])
    if result.cut is not None:
        assert result.rows[2].why == f"comes after operator 1, {result.cut.operator}"
    return "" if result.cut is None else result.cut.why


WINDOW = {"table": "Conv2DOptions", "constants": [("int8", np.ones((4, 3, 3, 4))), ("int32", np.zeros(4))]}
FULLY = {"shape": (1, 8), "table": "FullyConnectedOptions"}
POOL = {"table": "Pool2DOptions"}
AXES = {"out": (1, 1, 1, 4), "table": "ReducerOptions"}


@pytest.mark.parametrize(
    ("name", "how", "expected"),
    [
        ("HARD_SWISH", {}, "not among the operators that Coral lists"),
        ("GELU", {}, "not among the operators that Coral lists"),
        ("ADD", {"constants": [("int8", np.ones(PICTURE))]}, ""),
        ("CONV_2D", {**WINDOW, "DilationWFactor": 2, "DilationHFactor": 2}, ""),
        ("CONV_2D", {**WINDOW, "DilationWFactor": 2}, "dilation differs in x and y (2 and 1)"),
        ("AVERAGE_POOL_2D", POOL, ""),
        ("AVERAGE_POOL_2D", {**POOL, "FusedActivationFunction": 1}, "has a fused activation function"),
        ("MAX_POOL_2D", {**POOL, "FusedActivationFunction": 3}, "has a fused activation function"),
        ("CONCATENATION", {"constants": [("int8", np.zeros(PICTURE))]}, ""),
        ("CONCATENATION", {"constants": [("int8", np.ones(PICTURE))]}, "its constant input is not all zeros"),
        ("CONCATENATION", {"constants": [("int8", np.zeros(PICTURE))] * 2}, "has a constant among 3 inputs"),
        ("FULLY_CONNECTED", {**FULLY, "out": (1, 8), "constants": [("int8", np.ones((8, 8)))]}, ""),
        (
            "FULLY_CONNECTED",
            {**FULLY, "out": (1, 8), "constants": [("int8", np.ones((8, 8)))], "WeightsFormat": 1},
            "weights are not in the default format",
        ),
        (
            "FULLY_CONNECTED",
            {**FULLY, "out": (4, 8), "constants": [("int8", np.ones((8, 8)))]},
            "output [4, 8] is not one-dimensional",
        ),
        ("MEAN", {**AXES, "constants": [("int32", [1, 2])]}, ""),
        ("MEAN", {**AXES, "constants": [("int32", [-3, -2])]}, ""),
        ("MEAN", {**AXES, "constants": [("int32", [0])]}, "reduces the batch"),
        ("MEAN", {**AXES, "constants": [("int32", [-4])]}, "reduces the batch"),
        ("MEAN", {**AXES, "constants": [("int32", [3])]}, ""),
        ("MEAN", {**AXES, "shape": (1, 8, 8, 6), "constants": [("int32", [3])]}, "reduces 6 channels"),
        ("SUM", {**AXES, "constants": [("int32", [0])]}, "reduces the batch"),
        ("PAD", {"constants": [("int32", [[0, 0], [1, 1], [1, 1], [0, 0]])]}, ""),
        ("PAD", {"constants": [("int32", [[0, 1], [0, 0], [0, 0], [0, 0]])]}, "pads the batch"),
        ("SOFTMAX", {"shape": (1, 16_000), "out": (1, 16_000)}, ""),
        ("SOFTMAX", {"shape": (1, 16_001), "out": (1, 16_001)}, "input has 16,001 elements, at most 16,000"),
        ("SOFTMAX", {"shape": (1, 2, 8), "out": (1, 2, 8)}, "input [1, 2, 8] is not one-dimensional"),
        ("RELU6", {"shape": (2, 8, 8, 4), "out": (2, 8, 8, 4)}, None),  # the operator before it is the first that can't
        ("STRIDED_SLICE", {"constants": [("int32", [0] * 4), ("int32", PICTURE), ("int32", [1] * 4)]}, ""),
        (
            "STRIDED_SLICE",
            {"constants": [("int32", [0] * 4), ("int32", PICTURE), ("int32", [1, 2, 2, 1])]},
            "its strides are not all 1",
        ),
    ],
)
def test_each_rule(name: str, how: dict[str, Any], expected: str | None) -> None:
    result = one(name, **how)
    if expected is None:
        assert result.mapped == 0
        assert all("more than 3 dimensions over 1" in row.why for row in result.rows)
    else:
        reason = why(result)
        assert reason == expected or (expected and reason.startswith(expected)), reason


def test_computed_weights_a_float_tensor_and_an_open_shape() -> None:
    b = Builder()
    x, w, y = b.tensor((1, 8), scale=0.1), b.tensor((8, 8), scale=0.1), b.tensor((1, 8), scale=0.1)
    b.operator("FULLY_CONNECTED", [x, w], [y], {}, "FullyConnectedOptions")
    assert checked(b, [x, w], [y]).rows[0].why == "weights or bias are not constant"
    b = Builder()
    x, y, z = (
        b.tensor((1, 8), scale=0.1, name="a;b"),
        b.tensor((1, 8), "int32", name="wide"),
        b.tensor((1, -1), scale=1),
    )
    b.operator("RELU", [x], [y])
    b.operator("RELU", [x], [z])
    assert [row.why for row in checked(b, [x], [y, z]).rows] == [
        "tensor wide: int32 without a scale, expected quantized int8 or uint8",
        "tensor t2: shape [1, -1] is not fixed",
    ]


def test_what_stands_before_the_first_supported_operator_cuts_nothing() -> None:
    """As Coral's compiler leaves the conversion of a float input before the part that it maps."""
    b = Builder()
    x, y, z = b.tensor((1, 8), "int32"), b.tensor((1, 8), scale=0.1), b.tensor((1, 8), scale=0.1)
    b.operator("CAST", [x], [y])
    b.operator("RELU", [y], [z])
    result = checked(b, [x], [z])
    assert [row.mapped for row in result.rows] == [False, True]
    assert result.cut is None


@given(st.lists(st.sampled_from(["RELU", "HARD_SWISH", "LOGISTIC", "GELU"]), min_size=1, max_size=12))
def test_mapped_is_one_run_and_nothing_after_it(names: list[str]) -> None:
    b = Builder()
    tensors = [b.tensor((1, 8), scale=0.1) for _ in range(len(names) + 1)]
    for i, name in enumerate(names):
        b.operator(name, [tensors[i]], [tensors[i + 1]])
    rows = checked(b, tensors[:1], tensors[-1:]).rows
    expected, state = [], "before"
    for name in names:  # said once more in another way: up to the first that is not supported, after one that is
        supported = name in SUPPORTED
        if state == "before" and supported:
            state = "in"
        elif state == "in" and not supported:
            state = "after"
        expected.append(state == "in")
    assert [row.mapped for row in rows] == expected
    assert all(bool(row.why) != row.mapped for row in rows)


def test_an_operators_version_that_the_compiler_is_known_to_refuse() -> None:
    b = Builder()
    x, w, y = (
        b.tensor(PICTURE, scale=0.1),
        b.tensor((4, 3, 3, 4), scale=0.1, data=np.ones(144)),
        b.tensor(PICTURE, scale=1),
    )
    b.operator("CONV_2D", [x, w], [y], {}, "Conv2DOptions", version=6)
    assert "compiler 16 refuses files with version 6 and up" in checked(b, [x], [y]).refused


def test_squeeze_and_excite_is_known_and_a_residual_is_not() -> None:
    for shape, expected in (((1, 1, 1, 4), True), (PICTURE, False)):
        b = Builder()
        x, gate, y = b.tensor(PICTURE, scale=0.1), b.tensor(shape, scale=0.1), b.tensor(PICTURE, scale=0.1)
        b.operator("MUL", [x, gate], [y])
        assert checked(b, [x, gate], [y]).has_squeeze_excite is expected


def test_groups_count_what_shares_a_fate() -> None:
    result = one("HARD_SWISH")
    assert result.groups() == [
        ("RELU", 1, 0, ""),
        ("HARD_SWISH", 1, 1, "not among the operators that Coral lists"),
        ("RELU", 1, 2, "comes after operator 1, HARD_SWISH"),
    ]
    assert result.mapped == 1
    assert [row.operator for row in result.rows if not row.mapped] == ["HARD_SWISH", "RELU"]


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\0\0\0\0TFL3", b"\x1c\0\0\0TFL3" + bytes(40), b"\xff" * 64])
def test_what_is_no_model(data: bytes) -> None:
    with pytest.raises(CompileError, match=r"^x\.tflite: (not a \.tflite|damaged|schema version 0)"):
        reader.parse(data, "x.tflite")


def test_a_file_that_is_cut_or_changed_anywhere_is_an_error_or_a_graph() -> None:
    b = Builder()
    x, y = b.tensor((1, 8), scale=0.1), b.tensor((1, 8), scale=0.1)
    b.operator("SOFTMAX", [x], [y], {"Beta": 1.0}, "SoftmaxOptions")
    good = b.finish([x], [y])
    rng = np.random.default_rng(5)
    for trial in range(2000):
        data = bytearray(good)
        for place in rng.integers(8, len(data), 1 + trial % 3):
            data[place] = rng.integers(256)
        size = len(data) if trial % 2 else int(rng.integers(8, len(data)))
        try:
            check(reader.parse(bytes(data[:size]), "m"))
        except CompileError:
            continue


@needs_coral
def test_the_prediction_for_corals_own_network_is_what_its_compiler_did() -> None:
    plain, compiled = reader.read(PLAIN), reader.read(CORAL)
    result = check(plain)
    left = Counter(operator.name for operator in compiled.operators if operator.name != "edgetpu-custom-op")
    assert left == Counter(row.operator for row in result.rows if not row.mapped) == Counter()
    assert result.mapped == len(plain.operators) == 31


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match=r"none\.tflite: can't be read \(No such file"):
        reader.read(tmp_path / "none.tflite")
