"""`inv trace`: which tensors a device has, which is the first that differs, and where."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import target as targets
import tasks  # noqa: F401  # makes the commands
from artifact import ROOT, Artifact, NoFacts, sha256_of
from compilers import aot
from compilers.image import firmware, microcontroller
from deploy import tracing
from deploy.device import device_for
from deploy.frames import Code, Type
from deploy.request import Refused
from deploy.session import Session
from errors import DeviceError
from graph import tensors
from graph.builder import Builder
from graph.fnv import fnv1a
from graph.reader import read
from graph.types import Array
from measure import trace, trace_layout
from measure.trace import ABSENT, DIFFERS, EQUAL, Layer, Trace
from pipeline.command_line import main
from tests.compilers.silent_networks import silenced
from tests.pipeline.small import at_home
from tests.schemas import checked

SIDE = 12
CONV = {"StrideH": 1, "StrideW": 1, "DilationHFactor": 1, "DilationWFactor": 1}


def network(path: Path) -> Path:
    """Write a network with all that has no tensor of its own on a device: a PAD, a SiLU of two operators, a block."""
    b, rng = Builder(), np.random.default_rng(3)

    def conv(x: int, shape: tuple[int, ...], out: tuple[int, ...], name: str, **options: int) -> int:
        channels, axis = (shape[3], 3) if name == "DEPTHWISE_CONV_2D" else (shape[0], 0)
        kernel = b.tensor(shape, scale=[0.01] * channels, axis=axis, data=rng.integers(-120, 120, shape))
        bias = b.tensor((channels,), "int32", scale=[0.0005] * channels, data=rng.integers(-500, 500, channels))
        y = b.tensor((1, *out), scale=0.05, zero_point=3)
        table = "DepthwiseConv2DOptions" if name == "DEPTHWISE_CONV_2D" else "Conv2DOptions"
        b.operator(name, [x, kernel, bias], [y], {**CONV, **options}, table)
        return y

    source = b.tensor((1, SIDE, SIDE, 3), scale=0.05, zero_point=3)
    padded = b.tensor((1, SIDE + 2, SIDE + 2, 3), scale=0.05, zero_point=3)
    b.operator("PAD", [source, b.tensor((4, 2), "int32", data=[0, 0, 1, 1, 1, 1, 0, 0])], [padded])
    early = conv(padded, (4, 3, 3, 3), (6, 6, 4), "CONV_2D", Padding=1, StrideH=2, StrideW=2)
    first = conv(early, (1, 3, 3, 4), (6, 6, 4), "DEPTHWISE_CONV_2D", DepthMultiplier=1)
    wide = conv(first, (8, 1, 1, 4), (6, 6, 8), "CONV_2D")
    deep = conv(wide, (1, 3, 3, 8), (6, 6, 8), "DEPTHWISE_CONV_2D", DepthMultiplier=1)
    narrow = conv(deep, (4, 1, 1, 8), (6, 6, 4), "CONV_2D")
    total, gate, silu = (
        b.tensor((1, 6, 6, 4), scale=s, zero_point=z) for s, z in ((0.1, 0), (1 / 256, -128), (0.1, 0))
    )
    b.operator("ADD", [first, narrow], [total], table="AddOptions")
    b.operator("LOGISTIC", [total], [gate])
    b.operator("MUL", [total, gate], [silu], table="MulOptions")
    pooled, answer = b.tensor((1, 4), scale=0.1), b.tensor((1, 5), scale=0.1)
    b.operator("MEAN", [silu, b.tensor((2,), "int32", data=[1, 2])], [pooled], table="ReducerOptions")
    b.operator("FULLY_CONNECTED", [pooled, b.tensor((5, 4), scale=0.01, data=rng.integers(-99, 99, (5, 4))), -1],
               [answer], table="FullyConnectedOptions")  # fmt: skip
    path.write_bytes(b.finish([source], [answer]))
    return path


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Artifact[NoFacts]]:
    folder = tmp_path_factory.mktemp("trace")
    path = network(folder / "small.tflite")
    with at_home(folder):
        yield Artifact(path, "int8", "small", sha256_of(path), NoFacts())


def compare(net: Artifact[NoFacts], session: Session) -> dict[str, Layer]:
    """Run a session on random numbers, and return the layers by operator."""
    graph = read(net.path)
    data = np.random.default_rng(1).integers(-128, 128, SIDE * SIDE * 3).astype(np.int8).tobytes()
    expected = tensors.reference(net.path, graph, data)
    layers = trace.layers_of(graph, expected, trace.of_firmware(session, data, expected))
    return {f"{layer.operator} {layer.name}": layer for layer in layers}


def test_channels_that_are_not_computed_are_not_compared(tmp_path: Path) -> None:
    path = tmp_path / "silenced.tflite"
    path.write_bytes(silenced())
    graph = read(path)
    kept = aot.channels_kept(graph)
    data = np.random.default_rng(1).integers(-128, 128, 6 * 6 * 8).astype(np.int8).tobytes()
    expected = trace.of_channels(tensors.reference(path, graph, data), kept)
    # One value of channel 7, the fourth that is kept, is expected to be another one.
    wrong = {t: values.copy() for t, values in expected.items()}
    convolution = graph.operators[0].outputs[0]
    wrong[convolution][0, 2, 5, 3] ^= 1
    with at_home(tmp_path):
        net = Artifact(path, "int8", "silenced", sha256_of(path), NoFacts())
        image = microcontroller.compile_for(net, targets.load("host-fw"), trace=True)
        with device_for(targets.load("host-fw"), image).session() as session:
            equal = trace.layers_of(graph, expected, trace.of_firmware(session, data, expected), kept)
            differing = trace.layers_of(graph, wrong, trace.of_firmware(session, data, wrong), kept)
    assert {layer.state for layer in equal} == {trace.EQUAL}
    assert [layer.shape for layer in equal] == [(1, 6, 6, 16), (1, 6, 6, 16), (1, 6, 6, 6)]
    assert equal[0].why == "4 of 16 channels have no effect, and are not computed"
    assert differing[0].first is not None
    assert differing[0].first.index == (0, 2, 5, 7)


@pytest.mark.parametrize(
    ("board", "stream_input"),
    [("host-fw", True), pytest.param("qemu-m4", False, marks=pytest.mark.emulated)],
)
def test_a_correct_build_equals_the_reference(board: str, stream_input: bool, net: Artifact[NoFacts]) -> None:
    target = targets.load(board)
    image = microcontroller.compile_for(net, target, "ram", stream_input, trace=True)
    with device_for(target, image).session() as session:
        layers = compare(net, session)
        with pytest.raises(Refused) as refused:
            session.request(Type.TRACE, b"\x07")
    assert refused.value.code == Code.RANGE
    absent = {name for name, layer in layers.items() if layer.state == ABSENT}
    assert absent == {"0 PAD", "7 LOGISTIC"}
    assert layers["0 PAD"].why == "CONV_2D 1 does its work"
    assert {layer.state for name, layer in layers.items() if name not in absent} == {EQUAL}
    assert all(layer.compared_bytes for name, layer in layers.items() if name not in absent)


def test_other_firmware_is_not_traced(net: Artifact[NoFacts]) -> None:
    target = targets.load("host-fw")
    image = microcontroller.compile_for(net, target)
    sidecar = json.loads((image.path.parent / "artifact.json").read_text())
    assert "trace" not in sidecar["parameters"]
    assert not sidecar["facts"]["plan"]["traced"]
    with device_for(target, image).session() as session:
        assert not session.info.traced
        with pytest.raises(Refused) as refused:
            tracing.hashes(session)
        with pytest.raises(DeviceError, match="was not built to be traced"):
            compare(net, session)
    assert refused.value.code == Code.TYPE


def with_kernel(folder: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    """Build firmware from a copy of its sources in which a kernel is changed."""
    copy = folder / "firmware"
    shutil.copytree(firmware.FIRMWARE_DIR, copy, ignore=shutil.ignore_patterns("tests"))
    path = copy / "kernels" / "portable" / "elementwise.c"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    monkeypatch.setattr(firmware, "FIRMWARE_DIR", copy)


def test_a_broken_kernel_is_named_with_the_value(
    net: Artifact[NoFacts], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = "BROADCAST(&p->shape, in1, in2, out, add)"
    with_kernel(tmp_path, monkeypatch, old, f"{old}\n  out[-6] ^= 1;")
    target = targets.load("host-fw")
    image = microcontroller.compile_for(net, target, "ram", trace=True)
    with device_for(target, image).session() as session:
        layers = compare(net, session)
    states = [layer.state for layer in layers.values() if layer.state != ABSENT]
    assert states[:5] == [EQUAL] * 5
    assert set(states[5:7]) == {DIFFERS}
    wrong = layers["6 ADD"]
    assert wrong.first is not None
    # The last pixel but one of what the kernel is called for: a row in a block, else the whole tensor.
    batch, row, column, channel = wrong.first.index
    assert (batch, column, channel) == (0, 4, 2)
    assert row == (0 if image.facts.plan.operators[5].block is not None else 5)
    assert wrong.first.expected is not None
    assert wrong.first.actual == int(wrong.first.expected) ^ 1
    assert wrong.first.expected_real == pytest.approx(0.1 * wrong.first.expected)
    text = trace_layout.summary(Trace(1, "small", "host-fw", "aot", "portable", "noise", tuple(layers.values())))
    assert f"the first that differs is ADD 6, t18, at row {row}, column 4, channel 2: " in text
    assert "(scale 0.1, zero point 0: " in text


def test_a_large_tensor_is_read_around_the_first_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of float32, whose first byte that differs is not the first of its value, across what a device holds at once."""
    expected = np.arange(70_000, dtype=np.float32).reshape(7, 100, 100)
    ours = expected.copy()
    ours.view(np.uint32).reshape(-1)[31_111] ^= 0x00800000
    raw = ours.tobytes()
    asked: list[int] = []

    def blocks(session: object, data: bytes, tensor: int, size: int) -> tuple[int, ...]:
        return tuple(fnv1a(raw[at : at + size]) for at in range(0, len(raw), size))

    def some(session: object, data: bytes, tensor: int, offset: int) -> bytes:
        asked.append(offset)
        return raw[offset : offset + 1021]

    monkeypatch.setattr(tracing, "collect_blocks", blocks)
    monkeypatch.setattr(tracing, "collect_bytes", some)
    computed = trace._located(None, b"", 5, expected, expected.nbytes)  # type: ignore[arg-type]
    assert computed.offset == 4 * 31_111
    assert np.frombuffer(computed.differing[:4], np.float32)[0] == ours.reshape(-1)[31_111]
    assert len(asked) <= 3


def test_a_difference_that_goes_away_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = np.zeros((1, 40), np.int8)
    monkeypatch.setattr(tracing, "collect_blocks", lambda *_: (fnv1a(b"\0"),) * 40)
    computed = trace._located(None, b"", 5, expected, 40)  # type: ignore[arg-type]
    assert not computed.is_equal
    assert computed.why == "differed in one run, and not in the next with the same input"


@pytest.mark.parametrize("item", [tracing.TensorHash(9, 1, 0), tracing.TensorHash(5, 41, 0)])
def test_a_tensor_that_the_model_has_not_is_refused(item: tracing.TensorHash) -> None:
    expected: dict[int, Array] = {5: np.zeros((1, 40), np.int8)}
    with pytest.raises(DeviceError, match=f"board: it has {item.bytes} bytes of tensor {item.tensor}"):
        trace.of_hashes([item], expected, "board")


def test_the_command_prints_json_and_ends_with_1_where_kernels_differ(
    net: Artifact[NoFacts], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """LiteRT's reference kernels on this host equal themselves. Another network in their place does not."""
    words = ["trace", str(net.path), "--target", "host", "--kernels", "reference", "--json"]
    assert main(words) == 0
    printed = json.loads(capsys.readouterr().out)
    assert {layer["state"] for layer in printed["layers"]} == {EQUAL}
    assert [layer["name"] for layer in printed["layers"]][:2] == ["PAD", "CONV_2D"]
    plain = tensors.reference

    def changed(*arguments: object) -> dict[int, Array]:
        values = plain(*arguments)  # type: ignore[arg-type]
        tensor = list(values)[4]
        wrong = values[tensor].copy()
        wrong[0, 2, 3, 1] ^= 1
        return {**values, tensor: wrong}

    monkeypatch.setattr(tensors, "reference", changed)
    assert main(words) == 1
    captured = capsys.readouterr()
    form = checked("trace", captured.out)
    first = next(layer for layer in form["layers"] if layer["state"] == DIFFERS)
    assert (first["operator"], first["first"]["index"]) == (4, [0, 2, 3, 1])
    assert (first["differing"], first["max_abs_diff"]) == (1, 1.0)
    assert captured.err.endswith("error: host: DEPTHWISE_CONV_2D 4 differs from the reference\n")


def test_the_first_operator_that_xnnpack_rounds_otherwise_is_named(
    net: Artifact[NoFacts], capsys: pytest.CaptureFixture[str]
) -> None:
    """Its ADD of int8 rounds once where the reference kernel rounds three times."""
    assert main(["trace", str(net.path), "--target", "host", "--json"]) == 1
    captured = capsys.readouterr()
    layers = json.loads(captured.out)["layers"]
    assert [layer["state"] for layer in layers[:6]] == [EQUAL] * 6
    assert (layers[6]["name"], layers[6]["state"], layers[6]["max_abs_diff"]) == ("ADD", DIFFERS, 1.0)
    assert abs(layers[6]["first"]["actual"] - layers[6]["first"]["expected"]) == 1
    assert captured.err.endswith("error: host: ADD 6 differs from the reference\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--target", "coral-usb"], "an Edge TPU runs many operators as one"),
        (["--target", "qemu-m4", "--engine", "tflm"], "keeps no tensors but its outputs"),
        (["--target", "zephyr:board"], "your SDK builds its program"),
        (["--answers", "none.txt"], "--answers none.txt: no such file"),
        (["--answers", "none.txt", "--picture", "a.png"], "leave --picture and --link out"),
        (["--picture", "none.png", "--target", "host"], "--picture none.png: no such file"),
        (["--picture", f"{ROOT}/README.md", "--target", "qemu-m4"], "README.md: can't be read as a picture"),
    ],
)
def test_what_can_not_be_traced_is_one_line(
    words: list[str], message: str, net: Artifact[NoFacts], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trace", str(net.path), *words]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.splitlines()[-1].startswith("error: ")
