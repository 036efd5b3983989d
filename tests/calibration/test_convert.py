"""The int8 model: integer all the way, per channel, the same bytes each time, and rebuilt for what changed alone."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import signal
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artifact import Artifact
from calibration import convert, examples, layer_noise
from calibration.checks import QuantizedTensor
from calibration.convert import Int8Facts
from calibration.evaluate import keras_outputs, outputs, quantize
from calibration.improve import improve
from datasets import Dataset, Split
from errors import CalibrationError, ConfigError
from graph.kernels import KERNELS
from graph.reader import read
from models import build, checkpoint, presets, weights
from models.build import KerasFacts
from pipeline.request import Request
from pipeline.resolve import resolve
from pipeline.steps import Steps
from tests.pipeline.small import PRESET, SETTINGS, at_home, tiny_network
from tests.shipped import one_at_a_time


def test_int8_in_and_out_and_nothing_in_float(int8: Artifact[Int8Facts]) -> None:
    assert {tensor.dtype for tensor in read(int8.path).tensors} <= {"int8", "int32"}
    source, sink = int8.facts.input, int8.facts.outputs[0]
    assert (source.dtype, source.shape) == ("int8", (1, 32, 32, 3))
    assert (sink.dtype, sink.shape) == ("int8", (1, 4))
    assert source.scale > 0
    assert (sink.scale, sink.zero_point) == (1 / 256, -128)
    # The converter takes the range from the pictures, which here reach from black to nearly white
    low = source.scale * (-128 - source.zero_point)
    assert low == pytest.approx(-1, abs=0.1)


def test_weights_have_a_scale_for_each_channel(int8: Artifact[Int8Facts]) -> None:
    graph, seen = read(int8.path), 0
    for operator in graph.operators:
        if operator.name not in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            continue
        weights_ = graph.tensors[operator.inputs[1]]
        assert weights_.quant.axis == (3 if operator.name == "DEPTHWISE_CONV_2D" else 0)
        assert len(weights_.quant.scales) == weights_.shape[weights_.quant.axis]
        assert len(set(weights_.quant.scales)) > 1
        assert graph.tensors[operator.inputs[2]].dtype == "int32"
        seen += 1
    assert seen == 27


def test_the_network_s_own_facts_and_the_check_travel_with_it(
    int8: Artifact[Int8Facts], network: Artifact[KerasFacts], data: Dataset
) -> None:
    own = [f.name for f in fields(network.facts) if f.name != "ranges"]  # those are spent on the conversion
    assert {name: getattr(int8.facts, name) for name in own} == {name: getattr(network.facts, name) for name in own}
    assert int8.parents == {"keras": network.sha256}
    check = int8.facts.check
    assert check is not None
    assert check.n == len(data.test) == 60
    assert check.dataset == data.name
    raw = outputs(int8.path, _pixels(data), (-1.0, 1.0))
    assert check.int8_top1 == pytest.approx((raw.argmax(1) == data.test.labels).mean())
    assert 0.5 < check.agreement <= 1


def test_what_was_tried_is_told_and_the_better_file_is_used(
    network: Artifact[KerasFacts], data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(improve, "GAIN", 1.0)  # random weights leave little to gain: any gain counts
    plain = convert.calibrate(network, data, SETTINGS)
    # The plain conversion, and what the float network says, are those of the artifact above.
    monkeypatch.delattr(convert, "_convert")
    monkeypatch.delattr(convert, "_exact")
    facts = convert.calibrate(network, data, dataclasses.replace(SETTINGS, is_plain=False)).facts
    improvement, check = facts.improvement, facts.check
    assert improvement is not None
    assert check is not None
    assert improvement.refusal == ""
    assert improvement.pictures == 64, "the training pictures behind the 16 to calibrate with"
    names = [step.name for step in improvement.steps]
    assert (names[0], names[-1], "bias correction" in names) == ("plain conversion", "as converted", True)
    assert improvement.steps[-1].distance < improvement.steps[0].distance
    assert improvement.plain == plain.facts.check
    assert improvement.plain != check
    costs = [tensor.cost for tensor in improvement.tensors]
    assert costs == sorted(costs, reverse=True)
    assert costs[0] > 0


def _pixels(data: Dataset) -> Any:
    from datasets import prepare_many

    return prepare_many(data.test, range(len(data.test)), 32, 3)


def test_top1_of_the_check_goes_by_names_not_by_numbers(
    network: Artifact[KerasFacts], data: Dataset, int8: Artifact[Int8Facts]
) -> None:
    """The same pictures under the same names in another order score the same."""
    order = np.array([3, 2, 1, 0])
    turned = dataclasses.replace(
        data,
        class_names=tuple(np.array(data.class_names)[order]),
        train=dataclasses.replace(data.train, labels=order[data.train.labels]),
        test=dataclasses.replace(data.test, labels=order[data.test.labels]),
    )
    test = examples.select(data.test, range(len(data.test)), network.facts, "")
    exact = keras_outputs(network.path, test.real())
    same = convert._compare(network.facts, int8.path, int8.facts, test, data, exact)
    other = dataclasses.replace(test, labels=turned.test.labels)
    assert convert._compare(network.facts, int8.path, int8.facts, other, turned, exact) == same
    stranger = dataclasses.replace(data, class_names=("a", "b", "c", "d"))
    assert convert._compare(network.facts, int8.path, int8.facts, test, stranger, exact).int8_top1 is None


def test_noise_goes_to_the_log_and_two_conversions_give_the_same_bytes(
    network: Artifact[KerasFacts],
    data: Dataset,
    int8: Artifact[Int8Facts],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    capfd.readouterr()
    with at_home(tmp_path):
        again = convert.calibrate(network, data, SETTINGS)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert not again.reused
    assert again.sha256 == int8.sha256
    assert "fully_quantize" in (again.path.parent / convert.LOG).read_text()


def test_only_what_depends_on_a_change_is_built_again(
    npz: Path, network: Artifact[KerasFacts], int8: Artifact[Int8Facts], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A calibration picture, a test picture, the seed: a new int8 model from the Keras network that was there."""
    conversions: list[dict[str, Any]] = []

    def remember(*_: Any, **inputs: Any) -> Artifact[Int8Facts]:
        conversions.append(inputs)
        return int8

    monkeypatch.setattr(convert, "produce", remember)
    request = Request(PRESET, weights="random", calibration_images=16, data=f"npz:{npz}", plain=True)
    assert Steps(resolve(request)).quantize() is int8
    assert Steps(resolve(request)).build_network().reused
    with np.load(npz) as archive:
        arrays = dict(archive)
    for key in ("x_train", "x_test"):
        changed = arrays | {key: arrays[key].copy()}
        changed[key][:, 0, 0] ^= 1
        (tmp_path / key).mkdir()
        path = tmp_path / key / npz.name
        np.savez(path, **changed)
        steps = Steps(resolve(dataclasses.replace(request, data=f"npz:{path}")))
        assert steps.quantize() is int8
        assert steps.build_network().path == network.path
        assert steps.build_network().reused
    Steps(resolve(dataclasses.replace(request, seed=1))).quantize()
    Steps(resolve(dataclasses.replace(request, calibration_images=17))).quantize()
    assert len({repr(inputs) for inputs in conversions}) == len(conversions) == 5


def test_layers_have_signal_and_some_noise(
    network: Artifact[KerasFacts], int8: Artifact[Int8Facts], data: Dataset
) -> None:
    rows = layer_noise.measure(network, int8, data, pictures=4)
    assert [row.operator for row in rows].count("DEPTHWISE_CONV_2D") == 13
    levels = [row.snr_db for row in rows if math.isfinite(row.snr_db)]
    assert len(levels) > 25
    assert all(-3 < level < 80 for level in levels)
    assert rows[0].name.startswith("conv1")
    assert rows[0].snr_db > 25
    assert rows[0].snr_db > rows[-2].snr_db


def test_decibels() -> None:
    assert layer_noise.decibels(100.0, 1.0) == pytest.approx(20)
    assert layer_noise.decibels(1.0, 0.0) == math.inf


def test_one_channel_the_whole_way(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presets.Preset, "network", tiny_network)
    source = weights.resolve("v1s_025_32", "random", data.identity, data.class_names, 1)
    artifact = convert.calibrate(build.build(source, data.class_names), data, SETTINGS)
    assert artifact.facts.input.shape == (1, 8, 8, 1)
    assert {tensor.dtype for tensor in read(artifact.path).tensors} <= {"int8", "int32"}


def test_nothing_to_calibrate_or_to_check_with(network: Artifact[KerasFacts], data: Dataset) -> None:
    empty = Split(np.zeros(0, np.int64), data.train.read)
    for partial in (dataclasses.replace(data, train=empty), dataclasses.replace(data, test=empty)):
        with pytest.raises(ConfigError, match="expected pictures to calibrate and to check with"):
            convert.calibrate(network, partial, SETTINGS)


def test_ctrl_c_that_the_converter_loses_stops_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras
    import tensorflow as tf

    class Converter:
        target_spec = tf.lite.TargetSpec()

        def convert(self) -> bytes:
            with contextlib.suppress(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
            return b"model"

    monkeypatch.setattr(keras.models, "load_model", lambda path, compile: None)
    monkeypatch.setattr(tf.lite.TFLiteConverter, "from_keras_model", lambda model: Converter())
    (tmp_path / "m.keras").touch()
    with pytest.raises(KeyboardInterrupt):
        convert._convert(tmp_path / "m.keras", np.zeros((1, 2, 2, 3), np.float32), tmp_path / "log")


def test_a_converter_that_fails_is_one_line(
    network: Artifact[KerasFacts], data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    def fail(*_: Any) -> None:
        raise RuntimeError("loc(here): error: not legal\nand three hundred lines more")

    monkeypatch.setattr(tf.lite.TFLiteConverter, "from_keras_model", fail)
    with pytest.raises(CalibrationError, match=r"converter failed \(loc\(here\): error: not legal\)"):
        convert.calibrate(network, data, dataclasses.replace(SETTINGS, seed=9))


# Quantizing pictures


@pytest.mark.parametrize("ends", [(-1.0, 1.0), (0.0, 1.0), (0.0, 255.0)])
@pytest.mark.parametrize(("dtype", "bottom"), [("int8", -128), ("uint8", 0)])
def test_quantize_is_the_formula(ends: tuple[float, float], dtype: str, bottom: int) -> None:
    low, high = ends
    scale = (high - low) / 255
    tensor = QuantizedTensor("x", (1, 16, 16, 1), dtype, scale, bottom - round(low / scale))
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    got = quantize(pixels, ends, tensor)
    assert got.dtype == np.dtype(dtype)
    back = scale * (got.astype(np.float64) - tensor.zero_point)
    assert np.abs(back - examples.to_range(pixels, ends)).max() <= scale / 2 + 1e-6


def test_quantize_saturates() -> None:
    tensor = QuantizedTensor("x", (1, 1, 1, 1), "int8", 0.001, 0)
    assert quantize(np.array([0, 255], np.uint8), (-1.0, 1.0), tensor).tolist() == [-128, 127]


@pytest.mark.parametrize("kernels", KERNELS)
def test_every_kernel_set_answers(kernels: str, int8: Artifact[Int8Facts], data: Dataset) -> None:
    raw = outputs(int8.path, _pixels(data)[:8], (-1.0, 1.0), kernels)
    assert raw.shape == (8, 4)
    assert raw.dtype == np.int8
    assert len({tuple(row) for row in raw.tolist()}) > 1


# What we ship


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({path.name.partition(".")[0] for path in checkpoint.SHIPPED_DIR.glob("*.npz")}))
def test_int8_costs_a_shipped_network_at_most_a_point(name: str) -> None:
    """Of 1,000 held-out pictures, which score as the checkpoint says; V3's cost is stated, not bounded so tightly."""
    path = checkpoint.shipped_path(name, "fashion_mnist")
    if not path.is_file():
        pytest.fail(f"{name} has no checkpoint on fashion_mnist in models/checkpoints")
    with one_at_a_time(name) as home, at_home(home):
        check = Steps(resolve(Request(name))).quantize().facts.check
    assert check is not None
    assert check.n == 1000
    allowed = 0.010 if name != "v3sm_075" else 0.05
    assert check.float_top1 is not None
    assert check.int8_top1 is not None
    assert check.float_top1 - check.int8_top1 <= allowed + 1e-9
    assert check.agreement > 0.9
    stated = checkpoint.load_facts(path).float_top1
    assert stated is not None
    # Three standard deviations of a sample of 1,000
    assert abs(check.float_top1 - stated) < 3 * (0.1 * 0.9 / 1000) ** 0.5 + 0.001
