"""What outputs mean: by their shapes and the operators that compute them, read from small files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calibration import agreement, checks, convert, evaluate, examples, meaning
from calibration.checks import QuantizedTensor
from calibration.meaning import Meaning
from errors import ConfigError
from graph.builder import Builder
from graph.oracle import Oracle


def network(shape: tuple[int, ...], outputs: list[tuple[int, ...]], ends: str = "int8", last: str = "") -> bytes:
    """Return a .tflite that reshapes its input to each of the outputs, through `last` where it is given."""
    b = Builder()
    source = b.tensor(shape, "float32" if ends == "float32" else ends, None if ends == "float32" else 1 / 128, name="x")
    x, results = source, []
    if ends != "int8":
        x = b.tensor(shape, "int8", 1 / 128)
        b.operator("QUANTIZE", [source], [x])
    for size in outputs:
        values = b.tensor((int(np.prod(size)), int(np.prod(shape))), "int8", 1 / 64, 0, _weights(size, shape))
        y = b.tensor((1, int(np.prod(size))), "int8", 1 / 16)
        b.operator("FULLY_CONNECTED", [x, values], [y], {}, "FullyConnectedOptions")
        if last:
            z = b.tensor(
                (1, int(np.prod(size))), "int8", 1 / 256 if last != "TANH" else 1 / 128, -128 * (last != "TANH")
            )
            b.operator(
                last, [y], [z], {"Beta": 1.0} if last == "SOFTMAX" else None, "SoftmaxOptions" * (last == "SOFTMAX")
            )
            y = z
        shaped = b.tensor(size, "int8", *_quantization(b, y))
        b.operator("RESHAPE", [y, b.tensor((len(size),), "int32", data=size)], [shaped])
        if ends != "int8":
            real = b.tensor(size, ends, *((None,) if ends == "float32" else (1 / 16, 128)))
            b.operator("DEQUANTIZE" if ends == "float32" else "QUANTIZE", [shaped], [real])
            shaped = real
        results.append(shaped)
    return b.finish([source], results)


def _weights(size: tuple[int, ...], shape: tuple[int, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.random.default_rng(1).integers(-127, 128, (int(np.prod(size)), int(np.prod(shape))))


def _quantization(b: Builder, index: int) -> tuple[float, int]:
    quant = b.tensors[index].quant
    return float(quant.scale), quant.zero_point


@pytest.mark.parametrize(
    ("outputs", "last", "expected"),
    [
        ([(1, 3)], "", Meaning("classes", 3)),
        ([(1, 1, 1, 5)], "SOFTMAX", Meaning("classes", 5)),
        ([(1, 1)], "LOGISTIC", Meaning("threshold", 2, 0.5)),
        ([(1, 1)], "", Meaning("threshold", 2, 0.0)),
        ([(1, 1)], "TANH", Meaning("none", reason="output is one value after TANH, which is not one of two classes")),
        ([(1, 2, 2, 3)], "", Meaning("none", reason="output is a 1x2x2x3 map")),
        ([(1, 3), (1, 2, 2)], "", Meaning("none", reason="the model has 2 outputs (1x3, 1x2x2)")),
    ],
)
@pytest.mark.parametrize("ends", ["int8", "uint8", "float32"])
def test_what_outputs_mean(
    outputs: list[tuple[int, ...]], last: str, expected: Meaning, ends: str, tmp_path: Path
) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(network((1, 4, 2), outputs, ends, last))
    facts = convert.adopt(path, (), None).facts
    assert (facts.meaning, facts.classes) == (expected, expected.classes)
    assert [tensor.shape for tensor in facts.outputs] == outputs
    assert {tensor.dtype for tensor in (facts.input, *facts.outputs)} == {ends}


def test_the_input_again_is_a_reconstruction(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(network((1, 6), [(1, 6)]))
    found = convert.adopt(path, ("left", "out"), None).facts
    assert (found.meaning.kind, found.classes, found.labels) == ("reconstruction", None, ())


@pytest.mark.parametrize("shape", [(1, 5, 7, 3), (1, 3, 8, 8), (1, 49, 10, 1), (1, 4, 4, 2), (1, 64), (1, 3, 5), (9,)])
def test_inputs_of_any_shape(shape: tuple[int, ...], tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(network(shape, [(1, 3)]))
    facts = convert.adopt(path, (), None).facts
    assert facts.input_shape == shape
    assert facts.input.is_picture == (len(shape) == 4 and shape[3] in (1, 3))


def test_a_float_input_takes_its_range_from_what_is_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(network((1, 4, 4, 3), [(1, 3)], "float32"))
    facts = convert.adopt(path, (), None).facts
    assert (facts.input.scale, facts.input_range, facts.range_from) == (0.0, (-1.0, 1.0), "scale")
    pixels = np.arange(48, dtype=np.uint8).reshape(1, 4, 4, 3)
    inputs = evaluate.quantize(pixels, (-1.0, 1.0), facts.input)
    np.testing.assert_allclose(inputs, examples.to_range(pixels, (-1.0, 1.0)), atol=1e-6)


def test_float_that_is_not_at_the_ends_is_refused(tmp_path: Path) -> None:
    b = Builder()
    x, y = b.tensor((1, 4), "float32", name="x"), b.tensor((1, 2), "float32", name="y")
    weights = b.tensor((2, 4), "int8", 1 / 64, data=np.ones((2, 4)))
    b.operator("FULLY_CONNECTED", [x, weights], [y], {}, "FullyConnectedOptions")
    path = tmp_path / "hybrid.tflite"
    path.write_bytes(b.finish([x], [y]))
    with pytest.raises(ConfigError, match=r"x is float32, expected int8; its weights alone are int8 \(dynamic range"):
        checks.inspect(path)


def test_all_outputs_are_one_row_of_bytes_and_come_apart_again(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(network((1, 8), [(1, 3), (1, 2, 2)], "float32"))
    facts = convert.adopt(path, (), None).facts
    inputs = np.random.default_rng(2).uniform(-1, 1, (5, 8)).astype(np.float32)
    raw = evaluate.answers(path, inputs, "reference")
    assert raw.shape == (5, 4 * 3 + 4 * 4)
    first, second = evaluate.split(raw, facts.outputs)
    oracle = Oracle(path)
    for i, one in enumerate(inputs):
        a, b = oracle.run(one)
        assert (first[i] == a.reshape(-1)).all()
        assert (second[i] == b.reshape(-1)).all()


@pytest.mark.parametrize(
    ("threshold", "stored", "expected"), [(0.5, [-1, 0, 1], [0, 0, 1]), (0.0, [-129, -128, -127], [0, 0, 1])]
)
def test_one_value_is_above_its_threshold_or_not(threshold: float, stored: list[int], expected: list[int]) -> None:
    """At scale 1/256 and zero point -128 the sigmoid's 0.5 is stored as 0, and 0 as -128."""
    found = Meaning("threshold", 2, threshold).predicted(np.array(stored, np.int16)[:, None], 1 / 256, -128)
    assert found.tolist() == expected


def _tensor(*shape: int) -> QuantizedTensor:
    return QuantizedTensor("x:0", (1, *shape), "int8", 0.5, 0)


def test_agreement_by_the_kind_of_output() -> None:
    exact = np.array([[0.1, 0.9], [0.8, 0.2]], np.float32)
    stored = np.array([[0, 5], [0, 5]], np.int8)
    classes, none = Meaning("classes", 2), Meaning("none", reason="")
    assert agreement.agreement([exact], [stored], [_tensor(2)], classes) == 0.5
    places = np.stack([exact, exact[::-1]])[None]
    assert (
        agreement.agreement([places], [np.array([[0, 5, 0, 5, 0, 5, 0, 5]], np.int8)], [_tensor(2, 2, 2)], none) == 0.5
    )
    binary = Meaning("threshold", 2, 0.5)
    one, other = np.array([[0.4], [0.6]], np.float32), np.array([[2], [2]], np.int8)
    assert agreement.agreement([one], [other], [_tensor(1)], binary) == 0.5
    assert agreement.agreement([exact, exact], [stored, 5 - stored], [_tensor(2), _tensor(2)], none) == 0.5


def test_outputs_of_keras_are_put_in_the_order_of_the_file() -> None:
    tensors = [QuantizedTensor(f"call:{i}", (1, size), "int8", 1.0, 0) for i, size in ((1, 4), (0, 3))]
    exact = [np.zeros((2, 3), np.float32), np.zeros((2, 4), np.float32)]
    assert [x.shape[1] for x in agreement.in_order(exact, tensors)] == [4, 3]


def test_names_of_shapes() -> None:
    b = Builder()
    b.tensor((1, 8, 8, 3))
    b.tensor(())
    assert [meaning.shape_text(tensor) for tensor in b.tensors] == ["1x8x8x3", "scalar"]
