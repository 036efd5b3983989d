"""Damaged and unsupported files give the aot engine one CompileError of one line, or compile; nothing else."""

from __future__ import annotations

import contextlib
import functools
import random
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

import artifact
from calibration import convert
from compilers.aot import compile_graph, compile_model
from errors import CompileError, Error
from graph.builder import Builder
from graph.reader import parse, read
from tests.compilers.networks import tflite_of
from tests.compilers.test_compile import small_network
from tests.kernels.operator_models import OPERATORS


def survive(data: bytes) -> bool:
    """Return whether the bytes compile; a CompileError of one line is the only other way out."""
    message = ""
    try:
        compile_graph(parse(data, "damaged.tflite"))
    except CompileError as e:
        message = str(e)
    assert "\n" not in message
    assert message == "" or message.startswith("damaged.tflite")
    return not message


def test_whole_file_compiles() -> None:
    assert survive(small_network())


def test_cut_anywhere() -> None:
    whole = small_network()
    compiled = sum(survive(whole[:size]) for size in range(len(whole)))
    # What is cut off last may be padding.
    assert compiled <= 8


@pytest.mark.slow
@pytest.mark.parametrize("mask", [0x01, 0x80])
def test_each_byte_flipped(mask: int) -> None:
    whole = bytearray(small_network())
    for i in range(len(whole)):
        whole[i] ^= mask
        survive(bytes(whole))
        whole[i] ^= mask


@hypothesis.settings(max_examples=300)
@hypothesis.given(st.data())
def test_several_bytes_changed(data: st.DataObject) -> None:
    whole = bytearray(small_network())
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.sampled_from([0, 1, 4, 0x7F, 0x80, 0xFF]))
    survive(bytes(whole))


@hypothesis.settings(max_examples=400, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(st.data())
def test_bytes_of_each_operator_changed(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(OPERATORS)))
    whole = bytearray(data.draw(OPERATORS[name]).model)
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.sampled_from([0, 1, 2, 4, 0x10, 0x80, 0xFF]))
    survive(bytes(whole))


@hypothesis.given(st.binary(max_size=200))
def test_garbage_with_the_right_identifier(tail: bytes) -> None:
    assert not survive(b"\x1c\x00\x00\x00TFL3" + tail)


@pytest.mark.slow
def test_large_file_damaged_here_and_there() -> None:
    whole = tflite_of("v1_025").read_bytes()
    draw = random.Random(1)
    for _ in range(60):
        assert not survive(whole[: draw.randrange(len(whole) - 64)])
    damaged = bytearray(whole)
    # Tables and vectors are at both ends; the middle is weights.
    for i in draw.sample(range(3000), 60) + draw.sample(range(len(whole) - 30_000, len(whole)), 100):
        damaged[i] ^= 0xFF
        # Imported only: to plan each would take minutes.
        with contextlib.suppress(CompileError):
            parse(bytes(damaged), "damaged.tflite")
        damaged[i] ^= 0xFF


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match=r"none\.tflite: can't be read"):
        read(tmp_path / "none.tflite")


def unary_model(operator: str = "RELU", **tensor: object) -> bytes:
    """Return a network of one function, whose output is described by `tensor`."""
    b = Builder()
    x = b.tensor((1, 4), scale=0.1)
    description = {"shape": (1, 4), "scale": 0.1, "name": "result"} | tensor
    y = b.tensor(**description)  # type: ignore[arg-type]
    b.operator(operator, [x], [y])
    return b.finish([x], [y])


def conv_model(**changes: Any) -> bytes:
    """Return a network of one 1x1 convolution with some of its facts changed."""
    v: dict[str, Any] = {
        "bias": 4,
        "axis": 0,
        "out": (1, 4, 4, 4),
        "zero_point": 0,
        "scales": 4,
        "batch": 1,
        "height": 4,
        "stride": 1,
    }
    v |= changes
    b = Builder()
    x = b.tensor((v["batch"], v["height"], 4, 3), scale=0.1)
    shape = (4, 1, 1, 3)
    k = b.tensor(shape, scale=[0.1] * v["scales"], zero_point=v["zero_point"], data=np.zeros(shape), axis=v["axis"])
    bias = b.tensor((v["bias"],), "int32", data=np.zeros(v["bias"]))
    y = b.tensor(v["out"], scale=0.1, name="result")
    b.operator("CONV_2D", [x, k, bias], [y], {"StrideH": v["stride"], "StrideW": 1}, "Conv2DOptions")
    return b.finish([x], [y])


@functools.cache
def wrong_models() -> dict[str, tuple[bytes, str]]:
    """Return networks with one mistake each, and what the error must say."""
    uint8_like = Builder()
    x = uint8_like.tensor((1, 4), "int32")
    y = uint8_like.tensor((1, 4), scale=0.1)
    uint8_like.operator("QUANTIZE", [x], [y])
    no_version = Builder()
    x, y = no_version.tensor((1, 4), scale=0.1), no_version.tensor((1, 4), scale=0.1, name="result")
    no_version.operator("RELU", [x], [y], version=9)
    early = Builder()
    x, y, z = (early.tensor((1, 4), scale=0.1) for _ in range(3))
    early.operator("RELU", [y], [z])
    early.operator("RELU", [x], [y])
    return {
        "operator": (unary_model("SIN"), r"operator 0 SIN, tensor 1 'result': not supported; known: ABS, ADD"),
        "version": (
            no_version.finish([0], [1]),
            r"operator 0 RELU, tensor 1 'result': version 9, supported are 1 to 3",
        ),
        "shape": (unary_model(shape=(1, 5)), r"operator 0 RELU, tensor 1 'result': shape \[1, 5\], expected \[1, 4\]"),
        "dynamic": (unary_model(shape=(-1, 4)), r"tensor 1 'result': shape \[-1, 4\] is not static"),
        "no scale": (unary_model(scale=None), r"tensor 1 'result': int8 with 0 scales, expected int8 with one"),
        "zero scale": (unary_model(scale=0.0), r"tensor 1 'result': a scale is not a finite positive number"),
        "nan scale": (unary_model(scale=float("nan")), r"tensor 1 'result': a scale is not a finite positive"),
        "zero point": (unary_model(zero_point=128), r"tensor 1 'result': a zero point is outside -128 to 127"),
        "huge ratio": (unary_model(scale=1e-20), r"RELU, tensor 1 'result': its scales have a ratio of 1e\+19"),
        "int32 input": (uint8_like.finish([0], [1]), r"int32 with 0 scales, expected int8 with one"),
        "order": (early.finish([0], [2]), r"operator 0 RELU, tensor 1 't1': read before it is computed"),
        "bias size": (conv_model(bias=3), r"operator 0 CONV_2D, tensor 2 't2': its bias is not a constant of 4 int32"),
        "axis": (conv_model(axis=3, scales=3), r"weights are scaled along dimension 3, expected 0"),
        "scales": (conv_model(scales=3), r"tensor 1 't1': 3 scales for dimension 0 of \[4, 1, 1, 3\]"),
        "weights zero point": (conv_model(zero_point=1), r"weights need scales, and zero points of 0"),
        "batch": (conv_model(batch=2, out=(2, 4, 4, 4)), r"shape \[2, 4, 4, 3\], expected a batch of 1"),
        "stride": (conv_model(stride=0), r"operator 0 CONV_2D, tensor 3 'result': .* out of range"),
        "height": (
            conv_model(height=65_536, out=(1, 65_536, 4, 4)),
            r"operator 0 CONV_2D, tensor 0 't0': shape \[1, 65536, 4, 3\]: height and channels are at most 65535",
        ),
        "output": (conv_model(out=(1, 4, 4, 5)), r"tensor 3 'result': shape \[1, 4, 4, 5\], expected \[1, 4, 4, 4\]"),
    }


@pytest.mark.parametrize("mistake", wrong_models())
def test_each_mistake_has_its_message(mistake: str) -> None:
    model, message = wrong_models()[mistake]
    with pytest.raises(CompileError, match=message):
        compile_graph(parse(model, "m.tflite"))


def test_errors_have_the_name_that_the_user_gave(tmp_path: Path) -> None:
    """Artifacts are all called model.tflite."""
    path = tmp_path / "model.tflite"
    path.write_bytes(unary_model("SIN"))
    with pytest.raises(CompileError, match=r"^mine\.tflite, operator 0 SIN, tensor 1 'result': not supported"):
        compile_model(path, tmp_path, name="mine")
    with pytest.raises(CompileError, match=r"^model\.tflite, operator 0 SIN"):
        compile_model(path, tmp_path)


def test_mutated_files_are_adopted_and_compiled_or_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifact, "BUILD_DIR", tmp_path / "build")
    whole, pick, path = small_network(), random.Random(3), tmp_path / "mine.tflite"
    refused = 0
    for _ in range(250):
        mutated = bytearray(whole)
        for _ in range(pick.randint(1, 6)):
            mutated[pick.randrange(len(mutated))] = pick.randrange(256)
        path.write_bytes(mutated)
        try:
            adopted = convert.adopt(path, (), None)
            compile_graph(parse(adopted.path.read_bytes(), path.name))
        except Error as e:
            refused, message = refused + 1, str(e)
        else:
            continue
        assert "\n" not in message
        assert "np." not in message
        assert "mine.tflite" in message
    assert 0 < refused < 250
